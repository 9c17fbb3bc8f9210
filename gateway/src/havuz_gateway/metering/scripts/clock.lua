-- Time and rates in scripts. The server's own clock counts, so that a pod whose clock is wrong harms nobody.
-- This text stands before each script that looks at the time.

-- unix milliseconds, as a number and as text; `given` is '0' but in tests
local function clock(given)
  if given ~= '0' then return tonumber(given), given end
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  return now, string.format('%.0f', now)
end

local MINUTE = 60000

-- One rate (GCRA): `stored` is the theoretical arrival time kept for it, `limit` is per minute, `count` what is asked for.
-- Returns the new arrival time, and the milliseconds to wait when it is over the limit, else nil.
local function arrive(stored, now, limit, count)
  local before = tonumber(stored or '0') or 0
  if before < now then before = now end
  local after = before + count * MINUTE / limit
  local wait = after - now - MINUTE
  if wait > 0.001 then return after, math.ceil(wait) end
  return after, nil
end

-- What is left of a rate at `arrival`, and the milliseconds until all of it is back.
local function left(arrival, now, limit)
  local used = arrival - now
  if used < 0 then used = 0 end
  local remaining = math.floor((MINUTE - used) * limit / MINUTE + 0.0001)
  if remaining < 0 then remaining = 0 end
  return remaining, math.ceil(used)
end
