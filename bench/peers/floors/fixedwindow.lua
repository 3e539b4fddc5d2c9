-- The calls of scripts/fixedwindow.lua for a request that it admits, in a window that is open.
redis.call('TIME')
if redis.call('GET', KEYS[1]) then
  redis.call('SETRANGE', KEYS[1], '17', '100')
else
  redis.call('SET', KEYS[1], '1795363671000000 100', 'PX', '60100')
end
return 360000100
