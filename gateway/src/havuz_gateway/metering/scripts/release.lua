-- Take back an admission whose outcome was never learnt (its answer did not come): as if it had not been asked for.
-- KEYS: 1 account, 2 reservations, 3 expiries, 4 spend of the day of its admission, 5 leases of the key,
--       6 mark (one hash tag)
-- ARGV: 1 request id, 2 key id, 3 seconds that the mark lives: an admission that comes later costs nothing
-- Reply: {'released'} | {'repeated'} (no such reservation)

redis.call('SET', KEYS[6], 'settled', 'EX', ARGV[3])
local record = redis.call('HGET', KEYS[2], ARGV[1])
if not record then return {'repeated'} end
local from_allowance, from_balance, period, rollover, leased, counted =
  record:match('^(%d+)|(%d+)|%d+|([^|]*)|(1?)|%d*|%d+|(1?)|(1?)|')
local account = redis.call('HMGET', KEYS[1], 'balance', 'allowance', 'reserved', 'period', 'lapsed')
local held = add(from_allowance, from_balance)
if held ~= '0' then
  local allowance, lapsed = account[2] or '0', account[5] or '0'
  if period == '' or period == (account[4] or '') or rollover ~= '' then
    allowance = add(allowance, from_allowance)
  else
    lapsed = add(lapsed, from_allowance)
  end
  redis.call('HSET', KEYS[1], 'balance', add(account[1] or '0', from_balance), 'allowance', allowance,
    'reserved', sub(account[3] or '0', held), 'lapsed', lapsed)
end
redis.call('HDEL', KEYS[2], ARGV[1])
redis.call('ZREM', KEYS[3], ARGV[1])
if leased ~= '' then redis.call('ZREM', KEYS[5], ARGV[1]) end
if counted ~= '' then
  for _, field in ipairs({'p', 'k:' .. ARGV[2]}) do
    local used = redis.call('HGET', KEYS[4], field)
    if used and not less(used, held) then redis.call('HSET', KEYS[4], field, sub(used, held)) end
  end
end
return {'released'}
