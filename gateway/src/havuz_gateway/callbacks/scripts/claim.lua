-- Take what is due. Whoever takes it has the lease to tell how it went; then it is due again.
-- KEYS: 1 due
-- ARGV: 1 how many at most, 2 lease (ms), 3 what record keys begin with (same hash tag)
-- Reply: {{member, generation, attempts so far, sealed}, ...}

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local taken = {}
for _, member in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[1])) do
  local record = ARGV[3] .. member
  local found = redis.call('HMGET', record, 'attempts', 'sealed')
  if found[2] then
    local generation = redis.call('HINCRBY', record, 'generation', 1)
    redis.call('ZADD', KEYS[1], now + ARGV[2], member)
    taken[#taken + 1] = {member, generation, tonumber(found[1]), found[2]}
  else
    redis.call('ZREM', KEYS[1], member)
  end
end
return taken
