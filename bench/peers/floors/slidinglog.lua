-- The calls of scripts/slidinglog.lua for a request that it admits, where no entry of the log has gone.
redis.call('TIME')
if redis.call('LINDEX', KEYS[1], '0') then
  redis.call('LINDEX', KEYS[1], '-1')
  redis.call('PTTL', KEYS[1])
  redis.call('RPUSH', KEYS[1], '\100\207\060\200\020\140\001\002\003')
else
  local base, entry = '\006\100\207\060\200\020\140\000\000\000\000\000\000', '\100\207\060\200\020\140\000\000\001'
  redis.call('RPUSH', KEYS[1], base, entry)
  redis.call('PEXPIRE', KEYS[1], '86400100')
end
return 100
