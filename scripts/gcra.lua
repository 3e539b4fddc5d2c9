-- gcra.lua: one decision of the generic cell rate algorithm in its form of virtual scheduling
-- (ITU-T I.371, annex A): a request is admitted if the theoretical arrival time (TAT), pushed on
-- by the request, lies at most a burst ahead of now. The leaky bucket's meter is the same decision.
--
-- A length of time that need not be a whole microsecond is given as two integers, us and part,
-- meaning us + part/den microseconds, 0 <= part < den. All are below 2^52. Where the emission
-- interval is whole, the last three arguments are left out, and now_us too if it is empty.
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
-- Writes   KEYS[1], a string, when allowed: the TAT in microseconds since the Unix epoch, followed
--          by "+part/den" if it is not whole. When denied nothing, except that a TAT further ahead
--          than the burst (the clock went back, the limit was lowered) is brought back to it.
-- TTL      until the TAT has passed, and 100 ms more; an hour more where now_us was given

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

-- [commit]
if allowed or clamped then
  local grace = (ARGV[3] or '') == '' and 100 or 3600000
  local tat = now + ahead -- as a number, which a server writes faster than Lua does
  if part > 0 then
    tat = string.format('%.0f+%.0f/%s', tat, part, den)
  end
  redis.call('SET', KEYS[1], tat, 'PX', math.ceil(ahead / 1000) + grace)
end

-- [reply]
local standing = allowed and ahead or -1 - ahead
if den then
  return {standing, part}
end
return standing
