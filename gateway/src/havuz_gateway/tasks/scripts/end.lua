-- End a task: once, and only by whoever has it in hand, or by its client while nobody has.
-- KEYS: 1 task, 2 open tasks (one hash tag)
-- ARGV: 1 id, 2 generation ('' for a client who takes it back), 3 SUCCESS or FAILED, 4 the outcome, sealed,
--       5 seconds that it is kept from now on
-- Reply: {'ended'} | {'lost', status} ('' where there is no task)

local task = redis.call('HMGET', KEYS[1], 'status', 'generation')
local status = task[1] or ''
local mine = status == 'IN_PROGRESS' and task[2] == ARGV[2]
if ARGV[2] == '' then mine = status == 'PENDING' end
if not mine then return {'lost', status} end
redis.call('HSET', KEYS[1], 'status', ARGV[3], 'outcome', ARGV[4])
redis.call('HDEL', KEYS[1], 'held')
redis.call('EXPIRE', KEYS[1], ARGV[5])
redis.call('ZREM', KEYS[2], ARGV[1])
return {'ended'}
