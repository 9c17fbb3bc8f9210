-- Forget one response.
-- KEYS: 1 index, 2 sizes, 3 the response (one hash tag)
-- ARGV: 1 id
-- Reply: {1} | {0}: there was none

local bytes = redis.call('HGET', KEYS[2], ARGV[1])
if bytes then redis.call('HINCRBY', KEYS[2], '', -bytes) end
redis.call('HDEL', KEYS[2], ARGV[1])
redis.call('ZREM', KEYS[1], ARGV[1])
return {redis.call('DEL', KEYS[3])}
