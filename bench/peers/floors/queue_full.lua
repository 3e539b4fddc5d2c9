-- The calls of scripts/queue.lua for a request that it refuses; it accepts the first, which the key is from.
redis.call('TIME')
if not redis.call('GET', KEYS[1]) then
  redis.call('SET', KEYS[1], '1795363671000000', 'PX', '172800100')
  return 0
end
return -172800000001
