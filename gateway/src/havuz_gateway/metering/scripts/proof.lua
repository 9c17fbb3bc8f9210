-- The books of one project as they stand at one moment.
-- KEYS: 1 account, 2 credits, 3 reservations, 4 expiries, 5 usage stream (one hash tag)
-- Reply: {sum of credits, sum of open reservations, their number, the number of their expiries, id of the newest usage
--         event or '', then the account's fields and values}

local credits, open, count, newest = '0', '0', 0, ''
for _, amount in ipairs(redis.call('HVALS', KEYS[2])) do credits = add(credits, amount) end
for _, record in ipairs(redis.call('HVALS', KEYS[3])) do
  local from_allowance, from_balance = record:match('^(%d+)|(%d+)|')
  open, count = add(open, add(from_allowance, from_balance)), count + 1
end
local last = redis.call('XREVRANGE', KEYS[5], '+', '-', 'COUNT', 1)
if last[1] then newest = last[1][1] end
local reply = {credits, open, count, redis.call('ZCARD', KEYS[4]), newest}
for _, part in ipairs(redis.call('HGETALL', KEYS[1])) do reply[#reply + 1] = part end
return reply
