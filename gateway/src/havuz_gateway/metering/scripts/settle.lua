-- Close a request: take what it cost, give back the rest of its reservation, and write its usage. Once, however often asked.
-- KEYS: 1 account, 2 reservations, 3 expiries, 4 rates, 5 spend of the day of its admission, 6 leases of the key,
--       7 usage stream, 8 roll-up of the hour, 9 roll-up of the day, 10 mark (one hash tag)
-- ARGV: 1 plan, 2-3 tokens per minute of project and key ('' is no limit), 4 key id, 5-6 seconds that hour and day live,
--       7 now (unix ms, '0' asks the server), 8 request id, 9 cost,
--       10 'new' (never sent before) | 'again' | 'expired' (only if its reservation has expired; costs what that says),
--       11 '1' if it was admitted with a reservation, 12 tokens used, 13 roll-up field (key|model|upstream),
--       14 seconds that the mark lives, 15 errors,input,output,cache read,cache write (tokens), and where any was used
--       ,images,characters,milliseconds of audio; 16 the event as JSON
-- Reply: {'settled' | 'over' (it cost more than was reserved) | 'late' (its reservation was gone),
--         cost taken, cost that the balance did not reach for},
--        {'repeated'} (closed before; at most a reservation that came late is given back), {'open'} ('expired', and it has not),
--        {'unknown'} (sent before, and nothing tells whether that counted: taken for closed, never billed twice)
-- A roll-up's value: requests,errors,input,output,cache read,cache write,cost, and once any was used
-- ,images,characters,milliseconds of audio

local now, now_text = clock(ARGV[7])
local id, cost, how = ARGV[8], ARGV[9], ARGV[10]
local record, before = redis.call('HGET', KEYS[2], id), redis.call('GET', KEYS[10])
local verdict, requests, told = 'settled', 1, false
local mark, mark_seconds = 'settled', ARGV[14]
local from_allowance, from_balance, expires, period, rollover, tokens, leased, counted = '0', '0', nil, '', '', '0', '', ''
if record then
  local day, key, owner, abandoned
  from_allowance, from_balance, expires, period, rollover, day, tokens, leased, counted, key, owner, abandoned =
    record:match('^(%d+)|(%d+)|(%d+)|([^|]*)|(1?)|(%d*)|(%d+)|(1?)|(1?)|([^|]*)|([^|]*)|(%d+)|')
  if how == 'expired' and tonumber(expires) > now then return {'open'} end
  if before == 'settled' then
    cost, told = '0', true -- its admission came late, when it had been settled or refused without one
  elseif how == 'expired' then
    cost, mark, mark_seconds = abandoned, 'abandoned|' .. abandoned, 604800
  end
else
  if before == 'settled' or how == 'expired' then return {'repeated'} end
  if before then
    -- the sweeper was faster: what it billed counts
    local billed = before:match('^abandoned|(%d+)$')
    if less(cost, billed) then cost = '0' else cost = sub(cost, billed) end
    verdict, requests = 'late', 0
  elseif how == 'again' then
    if ARGV[11] ~= '' then return {'unknown'} end
  elseif ARGV[11] ~= '' then
    verdict = 'late' -- Redis lost the reservation
  end
end

local charged, short = '0', '0'
if ARGV[1] ~= 'Unmetered' or from_allowance ~= '0' or from_balance ~= '0' then
  local account = redis.call('HMGET', KEYS[1], 'balance', 'allowance', 'reserved', 'spent', 'period', 'period_spent',
    'lapsed', 'short')
  local balance, allowance, reserved = account[1] or '0', account[2] or '0', account[3] or '0'
  local lapsed = account[7] or '0'
  local current = period == (account[5] or '') or period == ''
  -- the reservation first: what came from the allowance, then what came from the balance
  local part = min(cost, from_allowance)
  local rest = sub(from_allowance, part)
  charged = part
  if current or rollover ~= '' then allowance = add(allowance, rest) else lapsed = add(lapsed, rest) end
  part = min(sub(cost, charged), from_balance)
  balance = add(balance, sub(from_balance, part))
  charged = add(charged, part)
  reserved = sub(reserved, add(from_allowance, from_balance))
  -- then, where that was not enough, as far as the money reaches
  if less(charged, cost) and ARGV[1] == 'Monthly' then
    part = min(sub(cost, charged), allowance)
    allowance, charged = sub(allowance, part), add(charged, part)
  end
  if less(charged, cost) then
    part = min(sub(cost, charged), balance)
    balance, charged = sub(balance, part), add(charged, part)
  end
  short = sub(cost, charged)
  if record and verdict == 'settled' and less(add(from_allowance, from_balance), cost) then verdict = 'over' end
  local of_period = account[6] or '0'
  if current then of_period = add(of_period, charged) end
  redis.call('HSET', KEYS[1], 'balance', balance, 'reserved', reserved, 'spent', add(account[4] or '0', charged),
    'updated', now_text)
  if period ~= '' or ARGV[1] == 'Monthly' then
    redis.call('HSET', KEYS[1], 'allowance', allowance, 'lapsed', lapsed, 'period_spent', of_period)
  end
  if short ~= '0' then redis.call('HSET', KEYS[1], 'short', add(account[8] or '0', short)) end
end

if record then
  redis.call('HDEL', KEYS[2], id)
  redis.call('ZREM', KEYS[3], id)
  if leased ~= '' then redis.call('ZREM', KEYS[6], id) end
  if counted ~= '' then
    local held = add(from_allowance, from_balance)
    for _, field in ipairs({'p', 'k:' .. ARGV[4]}) do
      local used = redis.call('HGET', KEYS[5], field)
      if used then
        used = add(used, charged)
        if less(used, held) then used = '0' else used = sub(used, held) end
        redis.call('HSET', KEYS[5], field, used)
      end
    end
  end
  local more = tonumber(ARGV[12]) - tonumber(tokens)
  if more ~= 0 then
    for i, field in ipairs({'t', 't:' .. ARGV[4]}) do
      local limit = ARGV[1 + i]
      local arrival = limit ~= '' and redis.call('HGET', KEYS[4], field)
      if arrival then redis.call('HSET', KEYS[4], field, string.format('%.3f', arrival + more * MINUTE / limit)) end
    end
  end
end
redis.call('SET', KEYS[10], mark, 'EX', mark_seconds)

if told then return {'repeated'} end
local new_errors, new_input, new_output, new_read, new_write, new_pieces =
  ARGV[15]:match('^(%d+),(%d+),(%d+),(%d+),(%d+)(.*)$')
local function add_pieces(before, more)
  if before == '' then return more elseif more == '' then return before end
  local images, characters, audio = before:match('^,(%d+),(%d+),(%d+)$')
  local new_images, new_characters, new_audio = more:match('^,(%d+),(%d+),(%d+)$')
  return string.format(',%.0f,%.0f,%.0f', images + new_images, characters + new_characters, audio + new_audio)
end
local function roll_up(key, seconds)
  local before = redis.call('HGET', key, ARGV[13])
  local count, errors, input, output, read, write, total, pieces = 0, 0, 0, 0, 0, 0, '0', ''
  if before then
    count, errors, input, output, read, write, total, pieces =
      before:match('^(%d+),(%d+),(%d+),(%d+),(%d+),(%d+),(%d+)(.*)$')
  end
  redis.call('HSET', key, ARGV[13], string.format('%.0f,%.0f,%.0f,%.0f,%.0f,%.0f,%s%s', count + requests,
    errors + new_errors, input + new_input, output + new_output, read + new_read, write + new_write,
    add(total, charged), add_pieces(pieces, new_pieces)))
  if not before and redis.call('TTL', key) < 0 then redis.call('EXPIRE', key, seconds) end
end
roll_up(KEYS[8], ARGV[5])
roll_up(KEYS[9], ARGV[6])
redis.call('XADD', KEYS[7], '*', 'v', '1', 'type', 'usage', 'id', id, 'at', now_text, 'cost', charged,
  'short', short, 'verdict', verdict, 'event', ARGV[16])
return {verdict, charged, short}
