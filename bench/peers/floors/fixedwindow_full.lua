-- The calls of scripts/fixedwindow.lua for a request that it denies; it admits the first, which the key is from.
redis.call('TIME')
if not redis.call('GET', KEYS[1]) then
  redis.call('SET', KEYS[1], '1 1795363671000000', 'PX', 86400100)
  return {1, 86400000000}
end
return {-2, 86400000000}
