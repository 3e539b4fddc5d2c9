-- fixedwindow_peek.lua: what fixedwindow.lua would answer now, read only.
-- Its text is that of fixedwindow.lua without what that commits.
--
-- KEYS[1]  the limiter's key
-- ARGV[1]  cost        what the request counts for, 1 to rate
-- ARGV[2]  rate        the most that a window admits, below 2^52
-- ARGV[3]  period_us   a window's length in microseconds
-- ARGV[4]  now_us      microseconds since the Unix epoch; empty for the server's clock
-- ARGV[5]  aligned     1: windows begin at whole periods since the Unix epoch; else left out
--
-- Reply    standing    if admitted, what the open window has admitted with this request; if denied,
--                      -1 less what it has admitted
--          left_us     how long the window is still open
-- Writes   nothing
-- TTL      left as it is

-- [clock]
local now = ARGV[4] or ''
if now == '' then
  local time = redis.call('TIME')
  now = time[1] * 1000000 + time[2]
end

-- [state]
local longest = ARGV[3] + 0
if ARGV[5] then
  longest = longest - now % longest
end
local count, left = 0, longest
local open, admitted, finish
local stored = redis.call('GET', KEYS[1])
if stored then
  admitted, finish = string.match(stored, '^(%d+) (%d+)$')
  if not finish then
    return redis.error_reply('WEIRSTATE the key holds no window')
  end
  open = finish - now
  if open > 0 then
    count, left = admitted + 0, math.min(open, longest)
  end
end

-- [decision]
local after = count + ARGV[1]
local allowed = after <= ARGV[2] + 0
if allowed then
  count = after
end

-- [reply]
return {allowed and count or -1 - count, left}
