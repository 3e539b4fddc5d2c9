-- queue.lua: one decision of the leaky bucket's queue: requests leave it an emission interval
-- apart, and one is taken in if its wait is no longer than the queue.
--
-- A length of time that need not be a whole microsecond is given as two integers, us and part,
-- meaning us + part/den microseconds, 0 <= part < den. All are below 2^52. Where the emission
-- interval is whole, the last four arguments are left out, and those before them if they are empty.
--
-- A request for n places at once is one with n times the emission interval as its interval, and n - 1
-- emission intervals taken from the longest wait. Its departure is that of the first place.
--
-- KEYS[1]  the queue's key
-- ARGV[1]  interval_us    the emission interval: the time between two departures
-- ARGV[2]  longest_us     the longest wait: the burst times the emission interval
-- ARGV[3]  patience_us    a wait that is too long for this request alone; empty for none
-- ARGV[4]  now_us         microseconds since the Unix epoch; empty for the server's clock
-- ARGV[5]  interval_part
-- ARGV[6]  longest_part
-- ARGV[7]  den            what parts are counted in: the emission interval's denominator
-- ARGV[8]  told           anything to be told the next free departure, which queue_cancel.lua takes; left out for not
--
-- Reply    standing_us    if accepted, how long it is from now to this request's departure; if
--                         refused, -1 less how long it is to the departure it would have had
--          wait_part      the part to that; without den there is none, and the reply is one integer
--          free_us        if accepted and told was given, the next free departure time after this request's, in
--                         microseconds since the Unix epoch; else neither this nor the next
--          free_part      the part to that
-- Writes   KEYS[1], a string, when accepted: the next free departure time in microseconds since
--          the Unix epoch, followed by "+part" if it is not whole. When refused nothing, except
--          that a time further ahead than a full queue (the clock went back) is brought back to it.
--          A key that holds something else gets a TTL if it has none.
-- TTL      until the next free departure time has passed, and 100 ms more; for a queue in use up to a burst more; an
--          hour more where now_us was given

-- [clock]
local now, grace = ARGV[4], 3600000 -- grace: how many ms longer than its state a key lives
if not now or now == '' then
  local clock = redis.call('TIME')
  now, grace = clock[1] * 1000000 + clock[2], 100
end

-- [state]
local den = ARGV[7]
if den then
  den = den + 0
end
local ahead, part = 0, 0
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
    if redis.call('PTTL', KEYS[1]) == -1 then
      redis.call('PEXPIRE', KEYS[1], math.ceil(ARGV[2] / 1000))
    end
    return redis.error_reply('WEIRSTATE the key holds no theoretical arrival time')
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
if den and full_part >= den then
  full, full_part = full + 1, full_part - den
end
local clamped = ahead > full or (ahead == full and part > full_part)
if clamped then
  ahead, part = full, full_part
end
local patience = tonumber(ARGV[3] or '')
local accepted = (ahead < longest or (ahead == longest and part <= longest_part))
  and (not patience or ahead < patience)
local standing, standing_part = accepted and ahead or -1 - ahead, part
local was = ahead
if accepted then
  ahead, part = ahead + interval, part + interval_part
  if den and part >= den then
    ahead, part = ahead + 1, part - den
  end
end

-- [commit]
if accepted or clamped then
  if was > 0 and not den and not clamped then
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
if accepted and ARGV[8] then
  return {standing, standing_part, now + ahead, part}
end
if den then
  return {standing, standing_part}
end
return standing
