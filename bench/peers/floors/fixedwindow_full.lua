-- The calls of scripts/fixedwindow.lua for a request that it denies; it admits the first, which the key is from.
redis.call('TIME')
if not redis.call('GET', KEYS[1]) then
  redis.call('SET', KEYS[1], '1795363671000000 1', 'PX', '86400100')
  return 172800000001
end
return -172800000002
