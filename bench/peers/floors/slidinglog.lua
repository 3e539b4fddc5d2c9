-- The calls of scripts/slidinglog.lua for a request that it admits, where no entry of the log has gone.
redis.call('TIME')
redis.call('LINDEX', KEYS[1], '0')
redis.call('LINDEX', KEYS[1], '-1')
redis.call('LINDEX', KEYS[1], '1')
redis.call('RPUSH', KEYS[1], '\100\207\060\200\020\140\001\002\003')
redis.call('PEXPIRE', KEYS[1], '60100')
return 100
