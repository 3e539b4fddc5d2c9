-- gcra_peek.lua: the standing of a key, and whether gcra.lua would admit a request now. It is read only.
--
-- KEYS[1]  the limiter's key
-- ARGV[1]  cost_us     what the request adds to the TAT: its cost times the emission interval
-- ARGV[2]  burst_us    how far ahead the TAT may be: the burst times the emission interval
-- ARGV[3]  now_us      microseconds since the Unix epoch; empty for the server's clock
-- ARGV[4]  cost_part
-- ARGV[5]  burst_part
-- ARGV[6]  den         what parts are counted in: the emission interval's denominator
--
-- Reply    standing_us how far the TAT is ahead of now, 0 if it is past; -1 less that if the request would be denied
--          ahead_part  the part to that; without den there is none, and the reply is one integer
-- Writes   nothing
-- TTL      left as it is

-- [clock]
local now = ARGV[3]
if not now or now == '' then
  local clock = redis.call('TIME')
  now = clock[1] * 1000000 + clock[2]
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
      return redis.error_reply('WEIRSTATE the key holds no theoretical arrival time')
    end
    owed = tat - now <= 2 ^ 52 and owed + 0 or nil -- no settlement writes one that lies further ahead
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
local clamped = (ahead > burst or (ahead == burst and part > burst_part)) and (not owed or owed > now + 0)
if clamped then
  ahead, part = burst, burst_part
end
local after, after_part = ahead + ARGV[1], part + cost_part
if den and after_part >= den then
  after, after_part = after + 1, after_part - den
end
local allowed = after < burst or (after == burst and after_part <= burst_part)

-- [reply]
local standing = allowed and ahead or -1 - ahead
if den then
  return {standing, part}
end
return standing
