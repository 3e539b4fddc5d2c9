-- inflight_release.lua: gives a lease back.
--
-- KEYS[1]  the limiter's key
-- ARGV[1]  id  the lease's name
--
-- Reply    released  1, or 0 if there was no such lease
-- Writes   KEYS[1], a sorted set: the lease is removed
-- TTL      as it was

-- [reply]
return redis.call('ZREM', KEYS[1], ARGV[1])
