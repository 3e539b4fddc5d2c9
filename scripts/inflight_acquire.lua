-- inflight_acquire.lua: takes a lease if fewer than most are held. A lease of the same id that is held is not
-- counted a second time: it lasts for ttl_us from now, or as long as before if that is longer.
--
-- Limiters of different most and ttl_us on one key share its leases.
--
-- KEYS[1]  the limiter's key
-- ARGV[1]  id      the lease's name, of 1 to 256 bytes
-- ARGV[2]  most    how many leases may be held, 1 to 2^20
-- ARGV[3]  ttl_us  how long the lease lasts in microseconds, up to 3600000000
-- ARGV[4]  now_us  microseconds since the Unix epoch; empty for the server's clock
--
-- Reply    standing  if the lease is held, how many are, this one included; if it was refused, -1 less how many are
--          retry_us  if it was refused, the time until fewer than most are held, if none is given back or renewed;
--                    else 0
--          reset_us  the time until the last lease ends
-- Writes   KEYS[1], a sorted set, when the lease is held: the id, scored by the time at which the lease ends, less
--          up to 64 leases that have ended. When it is refused nothing, except that up to 64 leases that end more
--          than 3600000000 microseconds from now (the clock went back) are brought back to that.
-- TTL      until the last lease ends, and 100 ms more; an hour more where now_us was given

-- [clock]
local now, grace = ARGV[4], 3600000 -- grace: how many ms longer than its state a key lives
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

local id, most, ttl = ARGV[1], ARGV[2] + 0, ARGV[3] + 0
local held = redis.call('ZCOUNT', KEYS[1], string.format('(%.0f', now + 0), '+inf')
local own = (held > 0 and redis.call('ZSCORE', KEYS[1], id) or 0) - now -- how long the lease of that id lasts

-- [decision]
local again = own > 0
local admitted, retry = again or held < most, 0
if not admitted then
  retry = math.min(left(-most), longest)
end

-- [commit]
if admitted then
  local ended = redis.call('ZCARD', KEYS[1]) - held
  if ended > 0 then
    redis.call('ZREMRANGEBYRANK', KEYS[1], '0', math.min(ended, 64) - 1)
  end
  if not again then
    held = held + 1
  end
  if own < ttl or own > longest then
    own = ttl
    redis.call('ZADD', KEYS[1], string.format('%.0f', now + own), id)
  end
end
local reset = admitted and held == 1 and math.ceil(own) or left(-1)
local clamped = reset > longest
if clamped then
  reset = longest
  local reach = string.format('%.0f', now + longest)
  for _, far in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. reach, '+inf', 'LIMIT', '0', '64')) do
    redis.call('ZADD', KEYS[1], reach, far)
  end
end
if admitted or clamped then
  local expires = redis.pcall('PEXPIRE', KEYS[1], math.ceil(reset / 1000) + grace)
  if type(expires) == 'table' then
    if not again then
      redis.call('ZREM', KEYS[1], id) -- no lease is left without a TTL
    end
    return expires
  end
end

-- [reply]
return {admitted and held or -1 - held, retry, reset}
