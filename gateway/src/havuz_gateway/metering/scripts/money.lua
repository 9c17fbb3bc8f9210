-- Amounts in scripts: nanos as decimal text, never negative, exact at any size (a Lua number is a double, exact to 2^53).
-- This text stands before each script that counts money.

local function less(a, b)
  if #a ~= #b then return #a < #b end
  return a < b
end

local function min(a, b)
  if less(a, b) then return a end
  return b
end

-- a as two numbers: above and below a billion
local function halves(a)
  if #a <= 9 then return 0, tonumber(a) end
  return tonumber(a:sub(1, -10)), tonumber(a:sub(-9))
end

local function whole(high, low)
  if high == 0 then return string.format('%.0f', low) end
  return string.format('%.0f%09.0f', high, low)
end

local function add(a, b)
  if b == '0' then return a end
  if #a < 16 and #b < 16 then return string.format('%.0f', a + b) end
  local ah, al = halves(a)
  local bh, bl = halves(b)
  local high, low = ah + bh, al + bl
  if low >= 1e9 then high, low = high + 1, low - 1e9 end
  return whole(high, low)
end

-- a - b, where b is not larger
local function sub(a, b)
  if b == '0' then return a end
  if a == b then return '0' end
  if #a < 16 then return string.format('%.0f', a - b) end
  local ah, al = halves(a)
  local bh, bl = halves(b)
  local high, low = ah - bh, al - bl
  if low < 0 then high, low = high - 1, low + 1e9 end
  return whole(high, low)
end
