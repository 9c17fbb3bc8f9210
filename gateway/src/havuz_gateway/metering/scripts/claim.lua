-- Take a place on an upstream for one attempt, or say which of its limits is reached; all or nothing.
-- KEYS: 1 rates, 2 leases, 3 spend of the day of the upstream (one hash tag)
-- ARGV: 1 now (unix ms, '0' asks the server), 2-5 requests and tokens per minute, concurrency, spend per day ('' is no limit),
--       6 attempt id, 7 tokens, 8 most it can cost, 9 milliseconds until the lease expires
-- Reply: {'ok'} | {'requests' | 'tokens' | 'concurrency' | 'spend', wait ms}

local now, now_text = clock(ARGV[1])
local arrivals = {}
for i, field in ipairs({'r', 't'}) do
  local limit = ARGV[1 + i]
  if limit ~= '' then
    local count = 1
    -- a request larger than the whole limit takes all of it, or it would never be served
    if field == 't' then count = math.min(tonumber(ARGV[7]), tonumber(limit)) end
    local after, wait = arrive(redis.call('HGET', KEYS[1], field), now, tonumber(limit), count)
    if wait then return {field == 'r' and 'requests' or 'tokens', wait} end
    arrivals[#arrivals + 1] = field
    arrivals[#arrivals + 1] = string.format('%.3f', after)
  end
end
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now_text)
if ARGV[4] ~= '' and redis.call('ZCARD', KEYS[2]) >= tonumber(ARGV[4]) then return {'concurrency', 250} end
if ARGV[5] ~= '' then
  local used = add(redis.call('HGET', KEYS[3], 'spent') or '0', ARGV[8])
  if less(ARGV[5], used) then return {'spend', 86400000 - now % 86400000} end
  redis.call('HSET', KEYS[3], 'spent', used)
  redis.call('EXPIRE', KEYS[3], 172800)
end
if #arrivals > 0 then
  redis.call('HSET', KEYS[1], unpack(arrivals))
  redis.call('PEXPIRE', KEYS[1], 2 * MINUTE)
end
redis.call('ZADD', KEYS[2], string.format('%.0f', now + ARGV[9]), ARGV[6])
redis.call('PEXPIRE', KEYS[2], ARGV[9] + MINUTE)
return {'ok'}
