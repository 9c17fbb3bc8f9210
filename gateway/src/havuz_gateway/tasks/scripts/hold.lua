-- Keep a task in hand for longer; note that it is being sent to a provider.
-- KEYS: 1 task
-- ARGV: 1 generation, 2 milliseconds from now on, 3 '1' if it is being sent now
-- Reply: {'held'} | {'lost'} (another has it, it has ended, or it is gone)

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local task = redis.call('HMGET', KEYS[1], 'status', 'generation')
if task[1] ~= 'IN_PROGRESS' or task[2] ~= ARGV[1] then return {'lost'} end
redis.call('HSET', KEYS[1], 'held', string.format('%.0f', now + ARGV[2]))
if ARGV[3] == '1' then redis.call('HSET', KEYS[1], 'sent', '1') end
return {'held'}
