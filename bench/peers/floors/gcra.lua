-- The calls of scripts/gcra.lua for a request that it admits while the theoretical arrival time lies ahead.
redis.call('TIME')
if redis.call('GET', KEYS[1]) then
  redis.call('INCRBY', KEYS[1], '60000000')
  redis.call('PTTL', KEYS[1])
else
  redis.call('SET', KEYS[1], '1795363671000000', 'PX', '60100')
end
return 60000000
