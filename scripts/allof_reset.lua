-- allof_reset.lua: forgets the keys of several limits.
--
-- KEYS     each limit's key
--
-- Reply    forgotten  how many of them there were
-- Writes   removes all keys
-- TTL      none is left

-- [reply]
return redis.call('UNLINK', unpack(KEYS))
