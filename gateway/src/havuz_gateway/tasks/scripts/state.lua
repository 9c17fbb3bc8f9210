-- How much is queued.
-- KEYS: 1 queued tasks
-- Reply: {tasks that are not done, those that no worker has, ms that the oldest of these waits}

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local waiting = redis.call('ZCOUNT', KEYS[1], '-inf', '(+inf')
local age = 0
if waiting > 0 then age = now - redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')[2] end
return {redis.call('ZCARD', KEYS[1]), waiting, math.max(age, 0)}
