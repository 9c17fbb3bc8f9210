-- Take in one callback, due at once. One that is known already is left as it is.
-- KEYS: 1 projects, 2 due ones of the project, 3 the record (one hash tag)
-- ARGV: 1 project uid, 2 task id, 3 what is told to whom, sealed, 4 seconds to keep it
-- Reply: {1} | {0}: known already

if redis.call('EXISTS', KEYS[3]) == 1 then return {0} end
redis.call('HSET', KEYS[3], 'sealed', ARGV[3], 'state', 'pending', 'attempts', 0, 'generation', 0, 'log', '')
redis.call('EXPIRE', KEYS[3], ARGV[4])
redis.call('ZADD', KEYS[2], clock(), ARGV[2])
index(KEYS[1], KEYS[2], ARGV[1], ARGV[4])
return {1}
