-- Give a worker the next task.
-- KEYS: 1 stream, 2 turns, 3 queued tasks (one hash tag)
-- ARGV: 1 group, 2 what lists of waiting tasks begin with, 3 the worker's name in the group
-- Reply: {id of the entry, project uid, task id} | {id of the last entry there was}: nothing waits

deal(KEYS[1], ARGV[1], KEYS[2], ARGV[2])
local found = redis.call('XREADGROUP', 'GROUP', ARGV[1], ARGV[3], 'COUNT', 1, 'STREAMS', KEYS[1], '>')
if not found then
  local told = redis.call('XINFO', 'STREAM', KEYS[1])
  for place = 1, #told, 2 do
    if told[place] == 'last-generated-id' then return {told[place + 1]} end
  end
end
local entry, fields = found[1][2][1][1], found[1][2][1][2]
redis.call('ZADD', KEYS[3], 'XX', '+inf', fields[2] .. '/' .. fields[4])
return {entry, fields[2], fields[4]}
