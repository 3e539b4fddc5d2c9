-- reset.lua: forgets a key, of whichever algorithm.
--
-- KEYS[1]  the limiter's key
--
-- Reply    forgotten  1, or 0 if there was nothing to forget
-- Writes   removes KEYS[1]
-- TTL      none is left

-- [reply]
return redis.call('UNLINK', KEYS[1])
