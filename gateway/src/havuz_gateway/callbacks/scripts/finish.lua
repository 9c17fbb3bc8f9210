-- Say how a callback went that was claimed. Only the last one who claimed it is heard.
-- KEYS: 1 projects, 2 due ones of the project, 3 the record, 4 failed (one hash tag)
-- ARGV: 1 project uid, 2 task id, 3 generation, 4 state (pending | delivered | failed), 5 ms until the next attempt,
--       6 line for the log, 7 seconds to keep the record, 8 bytes of the log that are kept: the oldest lines make room
-- Reply: {1} | {0}: another one has claimed it

if redis.call('HGET', KEYS[3], 'generation') ~= ARGV[3] then return {0} end
local now = clock()
redis.call('HINCRBY', KEYS[3], 'attempts', 1)
local log = redis.call('HGET', KEYS[3], 'log') .. ARGV[6] .. '\n'
if #log > tonumber(ARGV[8]) then log = log:sub((log:find('\n', #log - ARGV[8], true) or #log) + 1) end
redis.call('HSET', KEYS[3], 'state', ARGV[4], 'log', log)
redis.call('EXPIRE', KEYS[3], ARGV[7])
if ARGV[4] == 'pending' then
  redis.call('ZADD', KEYS[2], now + ARGV[5], ARGV[2])
else
  redis.call('ZREM', KEYS[2], ARGV[2])
end
index(KEYS[1], KEYS[2], ARGV[1], ARGV[7])
if ARGV[4] == 'failed' then
  redis.call('ZADD', KEYS[4], now, ARGV[1] .. '/' .. ARGV[2])
  redis.call('ZREMRANGEBYSCORE', KEYS[4], '-inf', now - ARGV[7] * 1000)
  redis.call('EXPIRE', KEYS[4], ARGV[7])
end
return {1}
