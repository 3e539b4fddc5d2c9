-- The calls of scripts/fixedwindow.lua for a request that it admits, in a window that is open.
redis.call('TIME')
if redis.call('GET', KEYS[1]) then
  redis.call('SET', KEYS[1], '100 1795363671000000', 'KEEPTTL')
else
  redis.call('SET', KEYS[1], '100 1795363671000000', 'PX', 60100)
end
return {100, 60000000}
