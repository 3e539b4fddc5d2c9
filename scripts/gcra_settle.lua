-- gcra_settle.lua: settles the charge of a request that gcra_reserve.lua has admitted: it gives back the part that
-- was not used, or charges what was used beyond the reserved cost.
--
-- The time that is outstanding must never be less than if the true cost had been charged when the request was
-- admitted. So at most the time from now to the end of the charge is given back. The end is the TAT after the charge.
-- If earlier charges gave something back since, the end is nearer by that. The script does not know which charges these
-- were, so it counts all that was given back since. But the end is never nearer than own_us, where it would be if
-- nothing had been outstanding before the charge.
--
-- Send it at most once for a request. A second call may give back the charge of another request.
--
-- KEYS[1]  the limiter's key
-- KEYS[2]  the key of what settlements have given back: that of the limiter, followed by ":{given}"
-- ARGV[1]  charge_us     what the cost was less than reserved or more, times the emission interval; up to 2^51
-- ARGV[2]  burst_us      how far ahead the TAT may be
-- ARGV[3]  now_us        microseconds since the Unix epoch; empty for the server's clock
-- ARGV[4]  more          1 if the cost was more than reserved; 0 if it was less
-- ARGV[5]  end_us        the TAT after the request: at_us and standing_us of gcra_reserve.lua's reply
-- ARGV[6]  own_us        at_us of that reply and what was reserved, times the emission interval
-- ARGV[7]  began_us      of that reply
-- ARGV[8]  given_us      of that reply
-- ARGV[9]  charge_part
-- ARGV[10]  burst_part
-- ARGV[11]  end_part
-- ARGV[12]  own_part
-- ARGV[13]  given_part
-- ARGV[14]  den           what parts are counted in: the emission interval's denominator; 1 where that is whole
--
-- Reply    changed       1, or 0 if nothing was left to give back
-- Writes   KEYS[1], a string: the TAT as gcra.lua writes it. If it lies beyond the burst it is a debt, 2^52
--          microseconds ahead at most, and is followed by "@" and the time now. A TAT that is further ahead than the
--          burst and no debt is brought back first.
--          KEYS[2], a string, if something was given back: "BEGAN GIVEN", a number that tells this count from others,
--          and all that was given back since it was begun, in microseconds, with "+part" behind that if it is not
--          whole. A count of 2^52 + 2^51 is begun anew, at 2^52, which is further than any end lies ahead.
--          A key that holds something else gets a TTL if it has none.
-- TTL      KEYS[1] until the TAT has passed, and 100 ms more; KEYS[2] until the latest end that was ahead at a
--          settlement has passed, and 100 ms more; an hour more where now_us was given

-- [clock]
local now, grace = ARGV[3], 3600000 -- grace: how many ms longer than its state a key lives
if not now or now == '' then
  local clock = redis.call('TIME')
  now, grace = clock[1] * 1000000 + clock[2], 100
end

-- [state]
local den = ARGV[14]
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
end
local began, given, given_part = 0, 0, 0
local counter = redis.call('GET', KEYS[2])
if counter then
  local since, us, plus, over = string.match(counter, '^(%d+) (%d+)(%+?)(%d*)$')
  given_part = tonumber(over or '') or 0
  if not since or #since > 16 or #us > 16 or #over > 16 or given_part >= den or (plus == '') ~= (over == '') then
    if redis.call('PTTL', KEYS[2]) == -1 then
      redis.call('PEXPIRE', KEYS[2], math.ceil(ARGV[2] / 1000))
    end
    return redis.error_reply('WEIRSTATE the key holds no count of what was given back')
  end
  began, given = since + 0, us + 0
end

-- [settlement]
-- Lengths of time are pairs of whole microseconds, which may be below 0, and a part.
local function plus(us, us_part, other, other_part)
  us, us_part = us + other, us_part + other_part
  if us_part >= den then
    return us + 1, us_part - den
  end
  return us, us_part
end
local function minus(us, us_part, other, other_part)
  if us_part < other_part then
    return us - other - 1, us_part - other_part + den
  end
  return us - other, us_part - other_part
end
local function least(us, us_part, other, other_part)
  if us < other or us == other and us_part < other_part then
    return us, us_part
  end
  return other, other_part
end

local charge, charge_part, burst, burst_part = ARGV[1] + 0, ARGV[9] + 0, ARGV[2] + 0, ARGV[10] + 0
local function beyond_burst()
  return ahead > burst or ahead == burst and part > burst_part
end
local changed = beyond_burst() and (not owed or owed > now + 0)
if changed then -- the clock went back
  ahead, part = burst, burst_part
end
local back, back_part = 0, 0
if ARGV[4] == '1' then
  changed = true
  ahead, part = plus(ahead, part, charge, charge_part)
  if ahead >= 2 ^ 52 then
    ahead, part = 2 ^ 52, 0
  end
else
  local since, since_part = given, given_part
  if began == ARGV[7] + 0 then
    since, since_part = minus(given, given_part, ARGV[8] + 0, ARGV[13] + 0)
  end
  local left, left_part = minus(ARGV[5] - now, ARGV[11] + 0, since, since_part)
  local own, own_part = ARGV[6] - now, ARGV[12] + 0
  if own > left or own == left and own_part > left_part then
    left, left_part = own, own_part
  end
  left, left_part = least(left, left_part, charge, charge_part)
  left, left_part = least(left, left_part, ahead, part) -- less if the key was forgotten, or the clock went back
  if left > 0 or left == 0 and left_part > 0 then
    changed = true
    back, back_part = left, left_part
  end
end

-- [commit]
if back > 0 or back_part > 0 then
  given, given_part = plus(given, given_part, back, back_part)
  if began == 0 or given >= 2 ^ 52 + 2 ^ 51 then
    given, given_part = began == 0 and given or 2 ^ 52, began == 0 and given_part or 0
    began = math.max(now, began) + 1
  end
  local count = string.format('%d %d', began, given)
  if given_part > 0 then
    count = count .. string.format('+%d', given_part)
  end
  local life = math.max(redis.call('PTTL', KEYS[2]), math.ceil(ahead / 1000) + grace)
  redis.call('SET', KEYS[2], count, 'PX', string.format('%d', life))
  ahead, part = minus(ahead, part, back, back_part)
end
if changed then
  local at = string.format('%d', now + ahead)
  if part > 0 then
    at = at .. string.format('+%d', part)
  end
  if beyond_burst() then
    at = at .. string.format('@%d', now)
  end
  redis.call('SET', KEYS[1], at, 'PX', string.format('%d', (math.max(ahead, 0) + 999) / 1000 + grace))
end

-- [reply]
return changed and 1 or 0
