-- What there is to sweep in one project: reservations that expired; on the way, usage events too old to keep are trimmed.
-- KEYS: 1 account, 2 reservations, 3 expiries, 4 usage stream (one hash tag)
-- ARGV: 1 now (unix ms, '0' asks the server), 2 most reservations to tell, 3 milliseconds that an event is kept,
--       4 most events to keep, 5 most events to trim at once
-- Reply: {open reservations, trimmed events, then id and record (see reserve.lua) of each expired reservation}

local now, now_text = clock(ARGV[1])
local due = redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', now_text, 'LIMIT', 0, ARGV[2])
local reply = {redis.call('ZCARD', KEYS[3]), 0}
for _, id in ipairs(due) do
  local record = redis.call('HGET', KEYS[2], id)
  if record then
    reply[#reply + 1] = id
    reply[#reply + 1] = record
  else
    redis.call('ZREM', KEYS[3], id)
  end
end

local length, trim = redis.call('XLEN', KEYS[4]), tonumber(ARGV[5])
if length > 0 then
  local old = redis.call('XRANGE', KEYS[4], '-', string.format('%.0f', math.max(0, now - ARGV[3])), 'COUNT', trim)
  local beyond = length - tonumber(ARGV[4])
  if beyond > #old then
    if beyond > trim then beyond = trim end
    old = redis.call('XRANGE', KEYS[4], '-', '+', 'COUNT', beyond)
  end
  local archived = '0'
  for _, entry in ipairs(old) do
    local fields = entry[2]
    for i = 1, #fields, 2 do
      if fields[i] == 'cost' then archived = add(archived, fields[i + 1]) end
    end
    redis.call('XDEL', KEYS[4], entry[1])
  end
  if #old > 0 then
    -- the sum of what was trimmed stays, so that the books can still be proved
    redis.call('HSET', KEYS[1], 'archived', add(redis.call('HGET', KEYS[1], 'archived') or '0', archived))
    reply[2] = #old
  end
end
return reply
