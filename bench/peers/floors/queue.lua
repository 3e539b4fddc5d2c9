-- The calls of scripts/queue.lua for a request that it accepts while others wait.
redis.call('TIME')
if redis.call('GET', KEYS[1]) then
  redis.call('INCRBY', KEYS[1], '60000000')
  redis.call('PTTL', KEYS[1])
else
  redis.call('SET', KEYS[1], '1795363671000000', 'PX', '60100')
end
return 60000000
