-- What the scripts of the queue begin with. Waiting tasks lie in a list of their project; the projects take turns in laying
-- one into the stream, where never more than one lies ready: whoever orders thousands waits for itself alone.

local function ready(stream, group)
  local pending = redis.pcall('XPENDING', stream, group)
  if pending.err then -- there is no group so far, or Redis has lost it
    redis.call('XGROUP', 'CREATE', stream, group, '0', 'MKSTREAM')
    pending = {0}
  end
  return redis.call('XLEN', stream) - pending[1]
end

local function queue_up(turns, uid)
  local last = redis.call('ZRANGE', turns, -1, -1, 'WITHSCORES')
  redis.call('ZADD', turns, (last[2] or 0) + 1, uid)
end

local function deal(stream, group, turns, prefix)
  if ready(stream, group) > 0 then return end
  local uid = redis.call('ZRANGE', turns, 0, 0)[1]
  if not uid then return end
  local task = redis.call('LPOP', prefix .. uid)
  if task then redis.call('XADD', stream, '*', 'p', uid, 't', task) end
  if redis.call('EXISTS', prefix .. uid) == 1 then
    queue_up(turns, uid)
  else
    redis.call('ZREM', turns, uid)
  end
end
