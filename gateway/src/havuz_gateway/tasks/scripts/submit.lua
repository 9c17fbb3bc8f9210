-- Write a task down, unless its name is known or too many are open.
-- KEYS: 1 task, 2 open tasks, 3 task of this name (not used without a name), 4 tasks by their order (one hash tag)
-- ARGV: 1 id, 2 the order, sealed, 3 seconds that it has, 4 seconds that it is kept after that, 5 most open tasks,
--       6 digest of what was sent ('' without a name)
-- Reply: {'made'} | {'known', id of the task of this name} | {'other', id} (of this name, and something else was sent)
--        | {'full'} | {'taken'} (another task has this id)

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function text(number) return string.format('%.0f', number) end

if ARGV[6] ~= '' then
  local known = redis.call('GET', KEYS[3])
  if known then
    local id, digest = known:match('^([^|]*)|(.*)$')
    if digest == ARGV[6] then return {'known', id} end
    return {'other', id}
  end
end
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', text(now))
if redis.call('ZCARD', KEYS[2]) >= tonumber(ARGV[5]) then return {'full'} end
if redis.call('EXISTS', KEYS[1]) == 1 then return {'taken'} end
local due, lives = now + ARGV[3] * 1000, ARGV[3] + ARGV[4]
redis.call('HSET', KEYS[1], 'status', 'PENDING', 'created', text(now), 'due', text(due), 'order', ARGV[2])
redis.call('EXPIRE', KEYS[1], text(lives))
redis.call('ZADD', KEYS[2], text(due), ARGV[1])
redis.call('EXPIRE', KEYS[2], text(lives))
redis.call('ZREMRANGEBYSCORE', KEYS[4], '-inf', text(now - lives * 1000))
redis.call('ZADD', KEYS[4], text(now), ARGV[1])
redis.call('EXPIRE', KEYS[4], text(lives))
if ARGV[6] ~= '' then redis.call('SET', KEYS[3], ARGV[1] .. '|' .. ARGV[6], 'EX', text(lives)) end
return {'made'}
