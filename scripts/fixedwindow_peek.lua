-- fixedwindow_peek.lua: what fixedwindow.lua would answer now, read only.
-- Its text is that of fixedwindow.lua without what that commits.
--
-- KEYS[1]  the limiter's key
-- ARGV[1]  cost       what the request counts for, 1 to rate
-- ARGV[2]  rate       the most that a window admits, below 2^52
-- ARGV[3]  period_us  a window's length in microseconds
-- ARGV[4]  aligned    1: windows begin at whole periods since the Unix epoch; else 0
-- ARGV[5]  now_us     microseconds since the Unix epoch; empty for the server's clock
--
-- Reply    allowed    1 or 0
--          count      what the open window has admitted, with this request if allowed
--          left_us    how long the window is still open
-- Writes   nothing
-- TTL      left as it is

-- [clock]
local now = tonumber(ARGV[5])
if not now then
  local time = redis.call('TIME')
  now = tonumber(time[1]) * 1000000 + tonumber(time[2])
end

-- [state]
local longest = tonumber(ARGV[3])
if ARGV[4] == '1' then
  longest = longest - now % longest
end
local admitted, finish = nil, now
local stored = redis.call('GET', KEYS[1])
if stored then
  admitted, finish = string.match(stored, '^(%d+) (%d+)$')
  if not admitted then
    return redis.error_reply('WEIRSTATE the key holds no window')
  end
end
local count, left, open = 0, longest, tonumber(finish) - now
if open > 0 then
  count, left = tonumber(admitted), math.min(open, longest)
end

-- [decision]
local after = count + tonumber(ARGV[1])
local allowed = after <= tonumber(ARGV[2])
if allowed then
  count = after
end

-- [reply]
return {allowed and 1 or 0, count, left}
