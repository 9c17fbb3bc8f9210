-- Say how a callback went that was claimed. Only the last one who claimed it is heard.
-- KEYS: 1 due, 2 failed, 3 the record (one hash tag)
-- ARGV: 1 member, 2 generation, 3 state (pending | delivered | failed), 4 ms until the next attempt, 5 line for the log
--       (empty: it was not attempted), 6 seconds to keep the record
-- Reply: {1} | {0}: another one has claimed it

if redis.call('HGET', KEYS[3], 'generation') ~= ARGV[2] then return {0} end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if ARGV[5] ~= '' then
  redis.call('HINCRBY', KEYS[3], 'attempts', 1)
  redis.call('HSET', KEYS[3], 'state', ARGV[3], 'log', redis.call('HGET', KEYS[3], 'log') .. ARGV[5] .. '\n')
end
redis.call('EXPIRE', KEYS[3], ARGV[6])
if ARGV[3] == 'pending' then
  redis.call('ZADD', KEYS[1], now + ARGV[4], ARGV[1])
else
  redis.call('ZREM', KEYS[1], ARGV[1])
end
if ARGV[3] == 'failed' then
  redis.call('ZADD', KEYS[2], now, ARGV[1])
end
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now - ARGV[6] * 1000)
return {1}
