-- Keep one response. A project's bytes are bounded: what was used longest ago makes room.
-- KEYS: 1 index (ids by the moment they expire), 2 sizes (bytes by id; '' is their sum), 3 the response (one hash tag)
-- ARGV: 1 id, 2 what is kept, 3 seconds to keep it, 4 bytes that the project may have, 5 what response keys begin with,
--       6 what item keys begin with, 7.. ids of its items
-- Reply: {'kept'} | {'too large'}

local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local size, budget = #ARGV[2], tonumber(ARGV[4])

local function forget(id)
  local bytes = redis.call('HGET', KEYS[2], id)
  if bytes then redis.call('HINCRBY', KEYS[2], '', -bytes) end
  redis.call('HDEL', KEYS[2], id)
  redis.call('ZREM', KEYS[1], id)
  redis.call('DEL', ARGV[5] .. id)
end

if size > budget then return {'too large'} end
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', string.format('%.6f', now), 'LIMIT', 0, 100)) do forget(id) end
forget(ARGV[1])
while tonumber(redis.call('HGET', KEYS[2], '') or '0') + size > budget do
  local oldest = redis.call('ZRANGE', KEYS[1], 0, 0)[1]
  if not oldest then
    redis.call('DEL', KEYS[2])
    break
  end
  forget(oldest)
end
redis.call('SET', KEYS[3], ARGV[2], 'EX', ARGV[3])
for place = 7, #ARGV do redis.call('SET', ARGV[6] .. ARGV[place], ARGV[1], 'EX', ARGV[3]) end
redis.call('ZADD', KEYS[1], string.format('%.6f', now + ARGV[3]), ARGV[1])
redis.call('HSET', KEYS[2], ARGV[1], size)
redis.call('HINCRBY', KEYS[2], '', size)
redis.call('EXPIRE', KEYS[1], ARGV[3])
redis.call('EXPIRE', KEYS[2], ARGV[3])
return {'kept'}
