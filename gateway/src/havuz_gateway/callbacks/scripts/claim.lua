-- Take what is due. Whoever takes it has the lease to tell how it went; then it is due again.
-- KEYS: 1 projects
-- ARGV: 1 how many at most, 2 how many of one project, 3 lease (ms), 4 what sets of due ones begin with, 5 what records
--       begin with (both of the same hash tag), 6 seconds to keep a set, 7.. project uids of which the caller has enough
-- Reply: {{project uid, task id, generation, attempts so far, sealed}, ...}

local now, room, taken, busy = clock(), tonumber(ARGV[1]), {}, {}
for place = 7, #ARGV do busy[ARGV[place]] = true end
for _, uid in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, room + #ARGV - 6)) do
  if not busy[uid] and #taken < room then
    local due = ARGV[4] .. uid
    local count = math.min(tonumber(ARGV[2]), room - #taken)
    for _, task in ipairs(redis.call('ZRANGEBYSCORE', due, '-inf', now, 'LIMIT', 0, count)) do
      local record = ARGV[5] .. uid .. '/' .. task
      local found = redis.call('HMGET', record, 'attempts', 'sealed')
      if found[2] then
        local generation = redis.call('HINCRBY', record, 'generation', 1)
        redis.call('ZADD', due, now + ARGV[3], task)
        taken[#taken + 1] = {uid, task, generation, tonumber(found[1]), found[2]}
      else
        redis.call('ZREM', due, task)
      end
    end
    index(KEYS[1], due, uid, ARGV[6])
  end
end
return taken
