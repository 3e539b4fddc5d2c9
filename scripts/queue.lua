-- queue.lua: one decision of the leaky bucket's queue: requests leave it an emission interval
-- apart, and one is taken in if its wait is no longer than the queue.
--
-- A length of time that need not be a whole microsecond is given as two integers, us and part,
-- meaning us + part/den microseconds, 0 <= part < den. All are below 2^52.
--
-- KEYS[1]  the queue's key
-- ARGV[1]  interval_us    the emission interval: the time between two departures
-- ARGV[2]  interval_part
-- ARGV[3]  longest_us     the longest wait: the burst times the emission interval
-- ARGV[4]  longest_part
-- ARGV[5]  den            what parts are counted in, from 1: the emission interval's denominator
-- ARGV[6]  patience_us    a wait that is too long for this request alone; empty for none
-- ARGV[7]  now_us         microseconds since the Unix epoch; empty for the server's clock
--
-- Reply    accepted       1 or 0
--          wait_us        from now to this request's departure if accepted, else to the departure
--          wait_part      that it would have had
-- Writes   KEYS[1], a string, when accepted: the next free departure time in microseconds since
--          the Unix epoch, followed by "+part/den" if it is not whole. When refused nothing, except
--          that a time further ahead than a full queue (the clock went back, the limit was
--          lowered) is brought back to it.
-- TTL      until the next free departure time has passed, and 100 ms more; an hour more where
--          now_us was given

-- [clock]
local now = tonumber(ARGV[7])
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
local interval, interval_part = tonumber(ARGV[1]), tonumber(ARGV[2])
local longest, longest_part = tonumber(ARGV[3]), tonumber(ARGV[4])
local full, full_part = longest + interval, longest_part + interval_part
if full_part >= den then
  full, full_part = full + 1, full_part - den
end
local clamped = ahead > full or (ahead == full and part > full_part)
if clamped then
  ahead, part = full, full_part
end
local patience = tonumber(ARGV[6])
local accepted = (ahead < longest or (ahead == longest and part <= longest_part))
  and (not patience or ahead < patience)

-- [commit]
if accepted or clamped then
  local grace = ARGV[7] == '' and 100 or 3600000
  local free, free_part = ahead, part
  if accepted then
    free, free_part = ahead + interval, part + interval_part
    if free_part >= den then
      free, free_part = free + 1, free_part - den
    end
  end
  local departure = string.format('%.0f', now + free)
  if free_part > 0 then
    departure = departure .. string.format('+%.0f/%s', free_part, ARGV[5])
  end
  redis.call('SET', KEYS[1], departure, 'PX', string.format('%.0f', math.ceil(free / 1000) + grace))
end

-- [reply]
return {accepted and 1 or 0, ahead, part}
