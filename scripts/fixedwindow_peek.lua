-- fixedwindow_peek.lua: the standing of a key, and whether fixedwindow.lua would admit a request now. It is read only.
--
-- KEYS[1]  the limiter's key
-- ARGV[1]  cost        what the request counts for, 1 to rate
-- ARGV[2]  rate        the most that a window admits, below 2^52
-- ARGV[3]  period_us   a window's length in microseconds
-- ARGV[4]  now_us      microseconds since the Unix epoch; empty for the server's clock
-- ARGV[5]  aligned     1: windows begin at whole periods since the Unix epoch; else left out
--
-- Reply    standing    what the open window has admitted; -1 less that if the request would be denied
--          left_us     how long the window is still open, or would be if it opened now
--
--          They are packed into one integer as those of fixedwindow.lua are.
-- Writes   nothing
-- TTL      left as it is

-- [clock]
local now = ARGV[4]
if not now or now == '' then
  local clock = redis.call('TIME')
  now = clock[1] * 1000000 + clock[2]
end

-- [state]
local period = ARGV[3] + 0
local longest = period
if ARGV[5] then
  longest = period - now % period
end
local count, left = 0, longest
local stored = redis.call('GET', KEYS[1])
if stored then
  local finish, admitted
  finish, admitted = string.match(stored, '^(%d+) (%d+)$')
  if not finish or #stored > 33 then
    return redis.error_reply('WEIRSTATE the key holds no window')
  end
  local open = finish - now
  if open > 0 then
    count, left = admitted + 0, open
    if open > longest then
      left = longest
    end
  end
end

-- [decision]
local rate = ARGV[2] + 0
local after = count + ARGV[1]
local allowed = after <= rate

-- [reply]
if (rate + 1) * (period + 1) <= 9007199254740992 then
  local packed = left * (rate + 1) + (count < rate and count or rate)
  return allowed and packed or -1 - packed
end
return {allowed and count or -1 - count, left}
