-- Take a task in hand: for so long nobody else may, and whoever had it before can't end it any more.
-- KEYS: 1 task
-- ARGV: 1 milliseconds that it is in hand
-- Reply: {'gone'} | {'held'} (by another) | {'ended', settled: '1' or ''} | {'begun' | 'late' (its time is over),
--        how many times it was begun, which is its generation, '1' if it was sent to a provider before}

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local task = redis.call('HMGET', KEYS[1], 'status', 'held', 'due', 'sent', 'settled')
if not task[1] then return {'gone'} end
if task[1] == 'SUCCESS' or task[1] == 'FAILED' then return {'ended', task[5] or ''} end
if task[2] and tonumber(task[2]) > now then return {'held'} end
redis.call('HSET', KEYS[1], 'status', 'IN_PROGRESS', 'held', string.format('%.0f', now + ARGV[1]))
local generation = redis.call('HINCRBY', KEYS[1], 'generation', 1)
local verdict = 'begun'
if tonumber(task[3]) <= now then verdict = 'late' end
return {verdict, generation, task[4] or ''}
