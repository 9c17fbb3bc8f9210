-- Tell once more what was told or given up, from the first attempt on. The log goes on.
-- KEYS: 1 due, 2 failed, 3 the record (one hash tag)
-- ARGV: 1 member, 2 seconds to keep the record
-- Reply: {1} | {0}: nothing is kept of it

redis.call('ZREM', KEYS[2], ARGV[1])
if redis.call('EXISTS', KEYS[3]) == 0 then return {0} end
local time = redis.call('TIME')
redis.call('HSET', KEYS[3], 'state', 'pending', 'attempts', 0)
redis.call('HINCRBY', KEYS[3], 'generation', 1)
redis.call('EXPIRE', KEYS[3], ARGV[2])
redis.call('ZADD', KEYS[1], time[1] * 1000 + math.floor(time[2] / 1000), ARGV[1])
return {1}
