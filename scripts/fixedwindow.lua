-- fixedwindow.lua: one decision of the fixed window counter: a window is open from its first
-- admitted request for one period, and admits at most rate.
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
-- Writes   KEYS[1], a string, when allowed: "COUNT END", END being the first microsecond after the
--          window, since the Unix epoch. When denied nothing, except that an END further away than
--          a window can last (the clock went back, the period was shortened) is brought back.
-- TTL      until the window's end, and 100 ms more; an hour more where now_us was given

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

-- [commit]
local clamped = open > longest
if allowed or clamped then
  local grace = ARGV[5] == '' and 100 or 3600000
  redis.call('SET', KEYS[1], string.format('%.0f %.0f', count, now + left),
    'PX', string.format('%.0f', math.ceil(left / 1000) + grace))
end

-- [reply]
return {allowed and 1 or 0, count, left}
