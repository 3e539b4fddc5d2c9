-- The calls of scripts/gcra.lua for a request that it denies; it admits the first, which the key is from.
redis.call('TIME')
if not redis.call('GET', KEYS[1]) then
  redis.call('SET', KEYS[1], '1795363671000000', 'PX', '86400100')
  return 86400000000
end
return -86400000001
