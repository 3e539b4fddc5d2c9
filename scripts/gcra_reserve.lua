-- gcra_reserve.lua: gcra.lua for a request whose charge gcra_settle.lua settles later. Its reply has what that takes.
--
-- KEYS[1]  the limiter's key
-- KEYS[2]  the key of what settlements have given back: that of the limiter, followed by ":{given}"
-- ARGV[1]  cost_us       what the request adds to the TAT
-- ARGV[2]  burst_us      how far ahead the TAT may be
-- ARGV[3]  now_us        microseconds since the Unix epoch; empty for the server's clock
-- ARGV[4]  cost_part
-- ARGV[5]  burst_part
-- ARGV[6]  den           what parts are counted in: the emission interval's denominator; 1 where that is whole
--
-- Reply    standing_us   as that of gcra.lua
--          ahead_part    the part to that
--          at_us         the time of the decision
--          began_us      which count of what was given back KEYS[2] holds; 0 for none
--          given_us      that count
--          given_part
-- Writes   as gcra.lua; nothing to KEYS[2], except that it gets a TTL if it holds something else and has none
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

-- [decision]
local burst, burst_part, cost_part = ARGV[2] + 0, 0, 0
if den then
  burst_part, cost_part = ARGV[5] + 0, ARGV[4] + 0
end
local clamped = (ahead > burst or (ahead == burst and part > burst_part)) and (not owed or owed > now + 0)
if clamped then
  ahead, part = burst, burst_part
end
local after, after_part = ahead + ARGV[1], part + cost_part
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
return {allowed and ahead or -1 - ahead, part, now + 0, began, given, given_part}
