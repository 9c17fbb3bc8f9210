-- Tell once more what was told or given up, from the first attempt on. The log goes on.
-- KEYS: 1 projects, 2 due ones of the project, 3 the record, 4 failed (one hash tag)
-- ARGV: 1 project uid, 2 task id, 3 seconds to keep the record
-- Reply: {1} | {0}: nothing is kept of it

redis.call('ZREM', KEYS[4], ARGV[1] .. '/' .. ARGV[2])
if redis.call('EXISTS', KEYS[3]) == 0 then return {0} end
redis.call('HSET', KEYS[3], 'state', 'pending', 'attempts', 0)
redis.call('HINCRBY', KEYS[3], 'generation', 1)
redis.call('EXPIRE', KEYS[3], ARGV[3])
redis.call('ZADD', KEYS[2], clock(), ARGV[2])
index(KEYS[1], KEYS[2], ARGV[1], ARGV[3])
return {1}
