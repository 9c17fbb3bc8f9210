-- Give a place on an upstream back, and correct its rates by what the attempt really used. Once, however often asked.
-- KEYS: 1 rates, 2 leases, 3 spend of the day of the claim (one hash tag)
-- ARGV: 1 attempt id, 2 tokens per minute ('' is no limit), 3 tokens claimed, 4 tokens used, 5 most it could cost, 6 cost
-- Reply: {'returned'} | {'repeated'}

if redis.call('ZREM', KEYS[2], ARGV[1]) == 0 then return {'repeated'} end
local arrival = ARGV[2] ~= '' and redis.call('HGET', KEYS[1], 't')
if arrival then
  local claimed = math.min(tonumber(ARGV[3]), tonumber(ARGV[2]))
  redis.call('HSET', KEYS[1], 't', string.format('%.3f', arrival + (ARGV[4] - claimed) * MINUTE / ARGV[2]))
end
local used = redis.call('HGET', KEYS[3], 'spent')
if used then
  used = add(used, ARGV[6])
  if less(used, ARGV[5]) then used = '0' else used = sub(used, ARGV[5]) end
  redis.call('HSET', KEYS[3], 'spent', used)
end
return {'returned'}
