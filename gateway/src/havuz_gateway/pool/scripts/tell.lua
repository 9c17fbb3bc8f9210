-- Tell verdicts to the other gateways and to the operator, each only once however many find it out.
-- KEYS: the stream; what is in force (hash: subject to verdict); when each of that ends (zset: subject by unix seconds)
-- ARGV: entries kept, seconds that the rest is kept, now (unix seconds), then for each verdict: subject, until, slack,
--   subjects that it ends (one a line), '1' where it is in force from now on, the verdict (JSON)
-- Reply: how many were told. A verdict is not told where its subject is known to last until `slack` seconds before it.
local stream, force, ends = KEYS[1], KEYS[2], KEYS[3]
local kept, lifetime, now = ARGV[1], ARGV[2], tonumber(ARGV[3])

local function forget(subjects)
  if #subjects > 0 then
    redis.call('HDEL', force, unpack(subjects))
    redis.call('ZREM', ends, unpack(subjects))
  end
end

local function last_id()
  local entries = redis.call('XREVRANGE', stream, '+', '-', 'COUNT', 1)
  return entries[1] and entries[1][1] or '0'
end

forget(redis.call('ZRANGEBYSCORE', ends, '-inf', now, 'LIMIT', 0, 500))
local told = 0
for at = 4, #ARGV, 6 do
  local subject, till, slack = ARGV[at], ARGV[at + 1], tonumber(ARGV[at + 2])
  local known = redis.call('ZSCORE', ends, subject)
  if not known or tonumber(known) + slack < tonumber(till) then
    local ended = {}
    for line in string.gmatch(ARGV[at + 3], '[^\n]+') do
      ended[#ended + 1] = line
    end
    forget(ended)
    redis.call('ZADD', ends, till, subject)
    if ARGV[at + 4] == '1' then
      redis.call('HSET', force, subject, ARGV[at + 5])
    end
    redis.call('XADD', stream, 'MAXLEN', '~', kept, '*', 'after', last_id(), 'verdict', ARGV[at + 5])
    told = told + 1
  end
end
redis.call('EXPIRE', force, lifetime)
redis.call('EXPIRE', ends, lifetime)
return told
