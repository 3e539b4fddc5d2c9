-- gcra_most.lua: admits as many of some events as fit, as gcra.lua would admit a request for just these.
--
-- KEYS[1]  the limiter's key
-- ARGV[1]  count         how many events are asked for: 1 to the burst
-- ARGV[2]  burst_us      how far ahead the TAT may be
-- ARGV[3]  now_us        microseconds since the Unix epoch; empty for the server's clock
-- ARGV[4]  interval_us   the emission interval: what one event adds to the TAT
-- ARGV[5]  burst_part
-- ARGV[6]  den           what parts are counted in: the emission interval's denominator; 1 where that is whole
-- ARGV[7]  interval_part
--
-- Reply    admitted      how many were admitted, 0 to count
--          standing_us   if any were, how far the TAT is ahead of now with them; else -1 less how far it is ahead
--          ahead_part    the part to that
-- Writes   as gcra.lua
-- TTL      as gcra.lua

-- [clock]
local now, grace = ARGV[3], 3600000 -- grace: how many ms longer than its state a key lives
if not now or now == '' then
  local clock = redis.call('TIME')
  now, grace = clock[1] * 1000000 + clock[2], 100
end

-- [state]
local den = ARGV[6]
if den then
  den = den + 0
end
local ahead, part, owed = 0, 0
local stored = redis.call('GET', KEYS[1])
if stored then
  local tat, over, foreign = stored
  if den then
    tat, over = string.match(stored, '^(%d+)%+?(%d*)$')
    if over and over ~= '' and #over <= 16 then
      part = over + 0
    end
    foreign = not tat or #tat > 16 or #over > 16 or part >= den or (over == '' and #tat < #stored)
  else
    foreign = #stored > 16 or not string.find(stored, '^%d+$')
  end
  if foreign then
    tat, over, owed = string.match(stored, '^(%d+)%+?(%d*)@(%d+)$') -- a debt, and since when
    part = tonumber(over or '') or 0
    if not owed or #tat > 16 or #over > 16 or #owed > 16 or part >= (den or 1)
      or over == '' and string.find(stored, '+', 1, true) then
      if redis.call('PTTL', KEYS[1]) == -1 then
        redis.call('PEXPIRE', KEYS[1], math.ceil(ARGV[2] / 1000))
      end
      return redis.error_reply('WEIRSTATE the key holds no theoretical arrival time')
    end
    owed = tat - now <= 2 ^ 52 and owed + 0 or nil -- no settlement writes one that lies further ahead
  end
  ahead = tat - now
  if ahead < 0 then
    ahead, part = 0, 0
  end
end

-- [fit]
-- Each power of two events is taken that still fits, the largest first.
local burst, burst_part = ARGV[2] + 0, ARGV[5] + 0
local interval, interval_part, count = ARGV[4] + 0, ARGV[7] + 0, ARGV[1] + 0
local us, us_part, events = {interval}, {interval_part}, {1}
while events[#events] * 2 <= count and us[#us] * 2 <= burst do
  local i = #us
  us[i + 1], us_part[i + 1], events[i + 1] = us[i] * 2, us_part[i] * 2, events[i] * 2
  if us_part[i + 1] >= den then
    us[i + 1], us_part[i + 1] = us[i + 1] + 1, us_part[i + 1] - den
  end
end
local fit, cost, cost_part = 0, 0, 0
for i = #us, 1, -1 do
  local with, with_part = cost + us[i], cost_part + us_part[i]
  if with_part >= den then
    with, with_part = with + 1, with_part - den
  end
  local to, to_part = ahead + with, part + with_part
  if to_part >= den then
    to, to_part = to + 1, to_part - den
  end
  if fit + events[i] <= count and (to < burst or to == burst and to_part <= burst_part) then
    fit, cost, cost_part = fit + events[i], with, with_part
  end
end
if fit == 0 then -- the decision is that on one event
  cost, cost_part = interval, interval_part
end

-- [decision]
local clamped = (ahead > burst or (ahead == burst and part > burst_part)) and (not owed or owed > now + 0)
if clamped then
  ahead, part = burst, burst_part
end
local after, after_part = ahead + cost, part + cost_part
if den and after_part >= den then
  after, after_part = after + 1, after_part - den
end
local allowed = after < burst or (after == burst and after_part <= burst_part)
local was = ahead
if allowed then
  ahead, part = after, after_part
end

-- [commit]
if allowed or clamped then
  if was > 0 and not den and not clamped and not owed then
    -- To add to the time costs a server less than to write it, and so does to see that the key lives long enough.
    redis.call('INCRBY', KEYS[1], ARGV[1])
    if redis.call('PTTL', KEYS[1]) < ahead / 1000 + grace / 2 then
      redis.call('PEXPIRE', KEYS[1], string.format('%d', (ahead + ARGV[2]) / 1000 + grace + 1))
    end
  else
    local at = string.format('%d', now + ahead)
    if part > 0 then
      at = at .. string.format('+%d', part)
    end
    redis.call('SET', KEYS[1], at, 'PX', string.format('%d', (ahead + 999) / 1000 + grace))
  end
end

-- [reply]
return {fit, allowed and ahead or -1 - ahead, part}
