-- How much is to be told.
-- KEYS: 1 projects, 2 failed (one hash tag)
-- ARGV: 1 what sets of due ones begin with
-- Reply: {open callbacks, ms by which the most overdue is late, callbacks that were given up}

local open, late = 0, 0
for _, uid in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  open = open + redis.call('ZCARD', ARGV[1] .. uid)
end
local first = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
if first[2] then late = math.max(clock() - first[2], 0) end
return {open, late, redis.call('ZCARD', KEYS[2])}
