-- gcra_peek.lua: what gcra.lua would answer now, read only.
-- Its text is that of gcra.lua without what that commits.
--
-- KEYS[1]  the limiter's key
-- ARGV[1]  cost_us     what the request adds to the TAT: its cost times the emission interval
-- ARGV[2]  burst_us    how far ahead the TAT may be: the burst times the emission interval
-- ARGV[3]  now_us      microseconds since the Unix epoch; empty for the server's clock
-- ARGV[4]  cost_part
-- ARGV[5]  burst_part
-- ARGV[6]  den         what parts are counted in: the emission interval's denominator
--
-- Reply    standing_us if admitted, how far the TAT is ahead of now with this request; if denied,
--                      -1 less how far it is ahead, 0 if it is past
--          ahead_part  the part to that; without den there is none, and the reply is one integer
-- Writes   nothing
-- TTL      left as it is

-- [clock]
local now, den = ARGV[3] or '', ARGV[6]
if now == '' then
  local time = redis.call('TIME')
  now = time[1] * 1000000 + time[2]
end

-- [state]
local ahead, part = 0, 0
local stored = redis.call('GET', KEYS[1])
if stored then
  local tat = tonumber(stored)
  if not tat then
    local whole, over, under = string.match(stored, '^(%d+)%+(%d+)/(%d+)$')
    if not whole then
      return redis.error_reply('WEIRSTATE the key holds no theoretical arrival time')
    end
    if under == den then
      tat, part = whole + 0, over + 0
    else
      tat = whole + 1 -- of another limit's parts: round up to a whole microsecond
    end
  end
  ahead = tat - now
  if ahead < 0 then
    ahead, part = 0, 0
  end
end

-- [decision]
local burst, burst_part, cost_part = ARGV[2] + 0, 0, 0
if den then
  burst_part, cost_part = ARGV[5] + 0, ARGV[4] + 0
end
local clamped = ahead > burst or (ahead == burst and part > burst_part)
if clamped then
  ahead, part = burst, burst_part
end
local after, after_part = ahead + ARGV[1], part + cost_part
if den and after_part >= den + 0 then
  after, after_part = after + 1, after_part - den
end
local allowed = after < burst or (after == burst and after_part <= burst_part)
if allowed then
  ahead, part = after, after_part
end

-- [reply]
local standing = allowed and ahead or -1 - ahead
if den then
  return {standing, part}
end
return standing
