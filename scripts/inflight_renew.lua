-- inflight_renew.lua: makes a lease that is held last for ttl_us from now, or as long as before if that is longer.
--
-- KEYS[1]  the limiter's key
-- ARGV[1]  id      the lease's name
-- ARGV[2]  ttl_us  how long the lease is to last in microseconds, up to 3600000000
-- ARGV[3]  now_us  microseconds since the Unix epoch; empty for the server's clock
--
-- Reply    left_us  how long the lease lasts; 0 if it is not held: it has ended, or was given back
-- Writes   KEYS[1], a sorted set, if the lease is held: the time at which it ends
-- TTL      until the last lease ends, and 100 ms more; an hour more where now_us was given

-- [clock]
local now, grace = ARGV[3], 3600000 -- grace: how many ms longer than its state a key lives
if not now or now == '' then
  local clock = redis.call('TIME')
  now, grace = clock[1] * 1000000 + clock[2], 100
end

-- [state]
local longest = 3600000000 -- the longest lease there is; one that ends later means that the clock went back

-- left returns how long the lease of that rank lasts. The one that ends last has the rank -1.
local function left(rank)
  return math.ceil(redis.call('ZRANGE', KEYS[1], rank, rank, 'WITHSCORES')[2] - now)
end

local id, ttl = ARGV[1], ARGV[2] + 0
local own = (redis.call('ZSCORE', KEYS[1], id) or 0) - now

-- [decision]
if own <= 0 then
  return 0
end

-- [commit]
if own < ttl or own > longest then
  own = ttl
  redis.call('ZADD', KEYS[1], string.format('%.0f', now + own), id)
end
redis.call('PEXPIRE', KEYS[1], math.ceil(math.min(left(-1), longest) / 1000) + grace)

-- [reply]
return math.ceil(own)
