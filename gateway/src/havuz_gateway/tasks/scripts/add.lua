-- Queue a task, unless it is queued already.
-- KEYS: 1 stream, 2 turns, 3 queued tasks, 4 waiting tasks of the project (one hash tag)
-- ARGV: 1 group, 2 what lists of waiting tasks begin with, 3 project uid, 4 task id
-- Reply: 1 | 0: it was queued already

local time = redis.call('TIME')
local now = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
if redis.call('ZADD', KEYS[3], 'NX', now, ARGV[3] .. '/' .. ARGV[4]) == 0 then return 0 end
if redis.call('RPUSH', KEYS[4], ARGV[4]) == 1 then queue_up(KEYS[2], ARGV[3]) end
deal(KEYS[1], ARGV[1], KEYS[2], ARGV[2])
return 1
