-- Take in one callback, due at once. One that is known already is left as it is.
-- KEYS: 1 due, 2 the record (one hash tag)
-- ARGV: 1 member (project uid/task id), 2 what is told to whom, sealed, 3 seconds to keep it
-- Reply: {1} | {0}: known already

if redis.call('EXISTS', KEYS[2]) == 1 then return {0} end
local time = redis.call('TIME')
redis.call('HSET', KEYS[2], 'sealed', ARGV[2], 'state', 'pending', 'attempts', 0, 'generation', 0, 'log', '')
redis.call('EXPIRE', KEYS[2], ARGV[3])
redis.call('ZADD', KEYS[1], time[1] * 1000 + math.floor(time[2] / 1000), ARGV[1])
return {1}
