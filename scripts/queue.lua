-- queue.lua: one decision of the leaky bucket's queue: requests leave it an emission interval
-- apart, and one is taken in if its wait is no longer than the queue.
--
-- A length of time that need not be a whole microsecond is given as two integers, us and part,
-- meaning us + part/den microseconds, 0 <= part < den. All are below 2^52. Where the emission
-- interval is whole, the last three arguments are left out, and those before them if they are empty.
--
-- KEYS[1]  the queue's key
-- ARGV[1]  interval_us    the emission interval: the time between two departures
-- ARGV[2]  longest_us     the longest wait: the burst times the emission interval
-- ARGV[3]  patience_us    a wait that is too long for this request alone; empty for none
-- ARGV[4]  now_us         microseconds since the Unix epoch; empty for the server's clock
-- ARGV[5]  interval_part
-- ARGV[6]  longest_part
-- ARGV[7]  den            what parts are counted in: the emission interval's denominator
--
-- Reply    standing_us    if accepted, how long it is from now to this request's departure; if
--                         refused, -1 less how long it is to the departure it would have had
--          wait_part      the part to that; without den there is none, and the reply is one integer
-- Writes   KEYS[1], a string, when accepted: the next free departure time in microseconds since
--          the Unix epoch, followed by "+part/den" if it is not whole. When refused nothing, except
--          that a time further ahead than a full queue (the clock went back, the limit was
--          lowered) is brought back to it.
-- TTL      until the next free departure time has passed, and 100 ms more; an hour more where
--          now_us was given

-- [clock]
local now, den = ARGV[4] or '', ARGV[7]
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
local interval, longest, interval_part, longest_part = ARGV[1] + 0, ARGV[2] + 0, 0, 0
if den then
  interval_part, longest_part = ARGV[5] + 0, ARGV[6] + 0
end
local full, full_part = longest + interval, longest_part + interval_part
if den and full_part >= den + 0 then
  full, full_part = full + 1, full_part - den
end
local clamped = ahead > full or (ahead == full and part > full_part)
if clamped then
  ahead, part = full, full_part
end
local patience = tonumber(ARGV[3] or '')
local accepted = (ahead < longest or (ahead == longest and part <= longest_part))
  and (not patience or ahead < patience)

-- [commit]
if accepted or clamped then
  local grace = (ARGV[4] or '') == '' and 100 or 3600000
  local free, free_part = ahead, part
  if accepted then
    free, free_part = ahead + interval, part + interval_part
    if den and free_part >= den + 0 then
      free, free_part = free + 1, free_part - den
    end
  end
  local departure = now + free -- as a number, which a server writes faster than Lua does
  if free_part > 0 then
    departure = string.format('%.0f+%.0f/%s', departure, free_part, den)
  end
  redis.call('SET', KEYS[1], departure, 'PX', math.ceil(free / 1000) + grace)
end

-- [reply]
local standing = accepted and ahead or -1 - ahead
if den then
  return {standing, part}
end
return standing
