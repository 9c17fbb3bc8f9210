-- A task needs nobody any more.
-- KEYS: 1 stream, 2 queued tasks (one hash tag)
-- ARGV: 1 group, 2 id of the entry, 3 project uid, 4 task id
-- Reply: 1

redis.call('XACK', KEYS[1], ARGV[1], ARGV[2])
redis.call('XDEL', KEYS[1], ARGV[2])
redis.call('ZREM', KEYS[2], ARGV[3] .. '/' .. ARGV[4])
return 1
