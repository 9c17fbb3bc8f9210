-- What the other scripts begin with. A project's callbacks lie in a set of its own, by the moment of the next attempt (unix
-- ms), and the projects in another by the first of these: one with many slow receivers is passed over as a whole.

local function clock()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

local function index(projects, due, uid, kept)
  local first = redis.call('ZRANGE', due, 0, 0, 'WITHSCORES')
  if first[1] then
    redis.call('ZADD', projects, first[2], uid)
    redis.call('EXPIRE', due, kept)
    redis.call('EXPIRE', projects, kept)
  else
    redis.call('ZREM', projects, uid)
  end
end
