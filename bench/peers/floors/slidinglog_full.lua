-- The calls of scripts/slidinglog.lua for a request that it denies; it admits the first, which the key is from.
redis.call('TIME')
local head = redis.call('LINDEX', KEYS[1], '0')
if not head then
  local base, entry = '\006\100\207\060\200\020\140\000\000\000\000\000\000', '\100\207\060\200\020\140\000\000\001'
  redis.call('RPUSH', KEYS[1], base, entry)
  redis.call('PEXPIRE', KEYS[1], '86400100')
  return 1
end
redis.call('LINDEX', KEYS[1], '-1')
redis.call('LINDEX', KEYS[1], '1')
return {-2, 86400000000, 86400000000}
