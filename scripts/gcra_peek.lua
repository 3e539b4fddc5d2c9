-- gcra_peek.lua: what gcra.lua would answer now, read only.
-- Its text is that of gcra.lua without what that commits.
--
-- KEYS[1]  the limiter's key
-- ARGV[1]  cost_us     what the request adds to the TAT: its cost times the emission interval
-- ARGV[2]  cost_part
-- ARGV[3]  burst_us    how far ahead the TAT may be: the burst times the emission interval
-- ARGV[4]  burst_part
-- ARGV[5]  den         what parts are counted in, from 1: the emission interval's denominator
-- ARGV[6]  now_us      microseconds since the Unix epoch; empty for the server's clock
--
-- Reply    allowed     1 or 0
--          ahead_us    how far the TAT is ahead of now, with this request if allowed, 0 if it is past
--          ahead_part
-- Writes   nothing
-- TTL      left as it is

-- [clock]
local now = tonumber(ARGV[6])
if not now then
  local time = redis.call('TIME')
  now = tonumber(time[1]) * 1000000 + tonumber(time[2])
end

-- [state]
local den = tonumber(ARGV[5])
local ahead, part = 0, 0
local stored = redis.call('GET', KEYS[1])
if stored then
  local tat = tonumber(stored)
  if not tat then
    local whole, over, under = string.match(stored, '^(%d+)%+(%d+)/(%d+)$')
    if not whole then
      return redis.error_reply('WEIRSTATE the key holds no theoretical arrival time')
    end
    tat = tonumber(whole)
    if under == ARGV[5] then
      part = tonumber(over)
    else
      tat = tat + 1 -- of another limit's parts: round up to a whole microsecond
    end
  end
  ahead = tat - now
  if ahead < 0 then
    ahead, part = 0, 0
  end
end

-- [decision]
local burst, burst_part = tonumber(ARGV[3]), tonumber(ARGV[4])
local clamped = ahead > burst or (ahead == burst and part > burst_part)
if clamped then
  ahead, part = burst, burst_part
end
local after, after_part = ahead + tonumber(ARGV[1]), part + tonumber(ARGV[2])
if after_part >= den then
  after, after_part = after + 1, after_part - den
end
local allowed = after < burst or (after == burst and after_part <= burst_part)
if allowed then
  ahead, part = after, after_part
end

-- [reply]
return {allowed and 1 or 0, ahead, part}
