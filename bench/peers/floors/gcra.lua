-- The calls of scripts/gcra.lua for a request that it admits.
redis.call('TIME')
redis.call('GET', KEYS[1])
redis.call('SET', KEYS[1], 1795363671000000, 'PX', 60100)
return 60000000
