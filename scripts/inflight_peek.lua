-- inflight_peek.lua: how many leases are held, and whether inflight_acquire.lua would give one more. It is read only.
--
-- KEYS[1]  the limiter's key
-- ARGV[1]  most    how many leases may be held, 1 to 2^20
-- ARGV[2]  now_us  microseconds since the Unix epoch; empty for the server's clock
--
-- Reply    standing  how many leases are held; -1 less that if one more would be refused
--          retry_us  if it would be refused, the time until fewer than most are held, if none is given back or
--                    renewed; else 0
--          reset_us  the time until the last lease ends, 0 if there is none
-- Writes   nothing
-- TTL      left as it is

-- [clock]
local now = ARGV[2]
if not now or now == '' then
  local clock = redis.call('TIME')
  now = clock[1] * 1000000 + clock[2]
end

-- [state]
local longest = 3600000000 -- the longest lease there is; one that ends later means that the clock went back

-- left returns how long the lease of that rank lasts. The one that ends last has the rank -1.
local function left(rank)
  return math.ceil(redis.call('ZRANGE', KEYS[1], rank, rank, 'WITHSCORES')[2] - now)
end

local most = ARGV[1] + 0
local held = redis.call('ZCOUNT', KEYS[1], string.format('(%.0f', now + 0), '+inf')

-- [decision]
local standing, retry, reset = held, 0, 0
if held >= most then
  standing, retry = -1 - held, math.min(left(-most), longest)
end
if held > 0 then
  reset = math.min(left(-1), longest)
end

-- [reply]
return {standing, retry, reset}
