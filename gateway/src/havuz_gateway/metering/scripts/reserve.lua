-- Let a request in, or say what stands in the way; all or nothing.
-- KEYS: 1 account, 2 reservations, 3 expiries, 4 rates, 5 spend of the day, 6 leases of the key, 7 usage stream
--       (one hash tag)
-- ARGV: 1 unit, 2 plan (Prepaid | Monthly | Unmetered), 3 period id, 4 allowance, 5 rollover ('1' | ''),
--       6-9 the project's, 10-13 the key's requests and tokens per minute, concurrency, spend per day ('' is no limit),
--       14 key id, 15 day, 16 owner, 17-18 since and until when period and day are right (unix ms),
--       19 now (unix ms, '0' asks the server), 20 request id, 21 most it can cost, 22 tokens,
--       23 milliseconds until the reservation expires, 24 what it costs if it is abandoned, 25 public model
-- Reply: {'ok', from allowance, from balance, requests limit, remaining, reset ms, tokens limit, remaining, reset ms}
--        (limits as the tightest of project and key; 0 where there is none), or one of
--        {'suspended'}, {'unit', unit of the account}, {'requests' | 'tokens' | 'concurrency', whose, limit, wait ms},
--        {'tokens', whose, limit, -1} when the request alone is over it, {'spend', whose, limit, wait ms},
--        {'balance', available}, {'repeated'},
--        {'clock', now} when the caller's clock names another day or period than this one's (nothing was looked at)
-- A record of KEYS[2]: allowance|balance|expires ms|period|rollover|day|tokens|leased|spend counted|key|owner|abandoned|model

local now, now_text = clock(ARGV[19])
if now < tonumber(ARGV[17]) or now >= tonumber(ARGV[18]) then return {'clock', now_text} end
local id, ceiling, tokens, key = ARGV[20], ARGV[21], tonumber(ARGV[22]), ARGV[14]
local metered = ARGV[2] ~= 'Unmetered'
local account = redis.call('HMGET', KEYS[1], 'balance', 'allowance', 'reserved', 'unit', 'suspended',
  'period', 'period_granted', 'granted', 'lapsed', 'refused')
if account[5] and account[5] ~= '' then return {'suspended'} end
if metered and account[4] and account[4] ~= ARGV[1] then return {'unit', account[4]} end

local rates = {}
local arrivals = {}
local function limited(name, field, whose, limit, count)
  if limit == '' then return nil end
  limit = tonumber(limit)
  local after, wait = arrive(redis.call('HGET', KEYS[4], field), now, limit, count)
  if wait then
    if count > limit then wait = -1 end
    return {name, whose, limit, wait}
  end
  arrivals[#arrivals + 1] = field
  arrivals[#arrivals + 1] = string.format('%.3f', after)
  local remaining, reset = left(after, now, limit)
  local known = rates[name]
  if not known or remaining < known[2] then rates[name] = {limit, remaining, reset} end
end
local refusal = limited('requests', 'r', 'project', ARGV[6], 1) or limited('requests', 'r:' .. key, 'key', ARGV[10], 1)
  or limited('tokens', 't', 'project', ARGV[7], tokens) or limited('tokens', 't:' .. key, 'key', ARGV[11], tokens)
if refusal then return refusal end

local function crowded(set, whose, limit)
  if limit == '' then return nil end
  local open = redis.call('ZCOUNT', set, '(' .. now_text, '+inf')
  if open >= tonumber(limit) then return {'concurrency', whose, tonumber(limit), 1000} end
end
refusal = crowded(KEYS[3], 'project', ARGV[8]) or crowded(KEYS[6], 'key', ARGV[12])
if refusal then return refusal end

local function spent(field, whose, limit)
  if limit == '' then return nil end
  local used = redis.call('HGET', KEYS[5], field) or '0'
  if less(limit, add(used, ceiling)) then return {'spend', whose, limit, 86400000 - now % 86400000} end
end
refusal = spent('p', 'project', ARGV[9]) or spent('k:' .. key, 'key', ARGV[13])
if refusal then return refusal end

local balance, allowance = account[1] or '0', account[2] or '0'
local change = {}
local function set(field, value)
  change[#change + 1] = field
  change[#change + 1] = value
end
local granted, lapsed = nil, '0'
if ARGV[2] == 'Monthly' then
  local period = account[6] or ''
  if period < ARGV[3] then
    granted = ARGV[4]
    if ARGV[5] == '' then lapsed, allowance = allowance, '0' end
    set('period', ARGV[3])
    set('period_spent', '0')
    set('unit', ARGV[1])
  elseif period == ARGV[3] and less(account[7] or '0', ARGV[4]) then
    -- raised within the month; a cut waits for the next one, so that two configurations in turn can't mint money
    granted = sub(ARGV[4], account[7] or '0')
  end
  if granted then
    allowance = add(allowance, granted)
    set('period_granted', ARGV[4])
    set('granted', add(account[8] or '0', granted))
    set('lapsed', add(account[9] or '0', lapsed))
  end
end

local from_allowance, from_balance = '0', '0'
if metered then
  if ARGV[2] == 'Monthly' then from_allowance = min(allowance, ceiling) end
  from_balance = sub(ceiling, from_allowance)
  if less(balance, from_balance) then
    redis.call('HSET', KEYS[1], 'refused', string.format('%.0f', now)) -- the Project's status says so
    return {'balance', add(balance, from_allowance)}
  end
end

local expires = string.format('%.0f', now + ARGV[23])
local leased, counted = '', ''
if ARGV[12] ~= '' then leased = '1' end
if ARGV[9] ~= '' or ARGV[13] ~= '' then counted = '1' end
local record = table.concat({from_allowance, from_balance, expires, ARGV[3], ARGV[5], ARGV[15], ARGV[22], leased, counted,
  key, ARGV[16], ARGV[24], ARGV[25]}, '|')
if redis.call('HSETNX', KEYS[2], id, record) == 0 then return {'repeated'} end
redis.call('ZADD', KEYS[3], expires, id)
if metered then
  if from_balance ~= '0' then set('balance', sub(balance, from_balance)) end
  if granted or from_allowance ~= '0' then set('allowance', sub(allowance, from_allowance)) end
  set('reserved', add(account[3] or '0', ceiling))
  if account[10] then redis.call('HDEL', KEYS[1], 'refused') end
end
if granted then
  redis.call('XADD', KEYS[7], '*', 'v', '1', 'type', 'allowance', 'id', ARGV[3], 'unit', ARGV[1], 'nanos', granted,
    'lapsed', lapsed, 'at', now_text)
end
if #change > 0 then redis.call('HSET', KEYS[1], 'updated', now_text, unpack(change)) end
if #arrivals > 0 then
  redis.call('HSET', KEYS[4], unpack(arrivals))
  redis.call('PEXPIRE', KEYS[4], 2 * MINUTE)
end
if leased ~= '' then
  redis.call('ZADD', KEYS[6], expires, id)
  redis.call('PEXPIRE', KEYS[6], ARGV[23] + MINUTE)
end
if counted ~= '' then
  redis.call('HSET', KEYS[5], 'p', add(redis.call('HGET', KEYS[5], 'p') or '0', ceiling))
  redis.call('HSET', KEYS[5], 'k:' .. key, add(redis.call('HGET', KEYS[5], 'k:' .. key) or '0', ceiling))
  redis.call('EXPIRE', KEYS[5], 172800)
end
local requests, of_tokens = rates['requests'] or {0, 0, 0}, rates['tokens'] or {0, 0, 0}
return {'ok', from_allowance, from_balance, requests[1], requests[2], requests[3],
  of_tokens[1], of_tokens[2], of_tokens[3]}
