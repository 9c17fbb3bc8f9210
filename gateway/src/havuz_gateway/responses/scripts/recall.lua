-- Read responses that a conversation goes on from, and keep them for as long again.
-- KEYS: 1 index, 2 sizes, 3.. the responses (one hash tag)
-- ARGV: 1 seconds to keep them, 2.. their ids
-- Reply: what is kept of each, in order; false for one that is not there

local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local found = {}
for place = 3, #KEYS do
  local value = redis.call('GET', KEYS[place])
  found[place - 2] = value
  if value then
    redis.call('EXPIRE', KEYS[place], ARGV[1])
    redis.call('ZADD', KEYS[1], 'XX', string.format('%.6f', now + ARGV[1]), ARGV[place - 1])
  end
end
redis.call('EXPIRE', KEYS[1], ARGV[1])
redis.call('EXPIRE', KEYS[2], ARGV[1])
return found
