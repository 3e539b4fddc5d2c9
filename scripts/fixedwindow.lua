-- fixedwindow.lua: one decision of the fixed window counter: a window is open from its first
-- admitted request for one period, and admits at most rate.
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
-- Writes   KEYS[1], a string, when allowed: "COUNT END", END being the first microsecond after the
--          window, since the Unix epoch. When denied nothing, except that an END further away than
--          a window can last (the clock went back, the period was shortened) is brought back.
-- TTL      from when the window opens or its END is changed: until END, and 100 ms more; an hour
--          more where now_us was given

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

-- [commit]
local clamped = open and open > longest
if allowed and open and open > 0 and not clamped then
  redis.call('SET', KEYS[1], string.format('%.0f ', count) .. finish, 'KEEPTTL')
elseif allowed or clamped then
  local grace = (ARGV[4] or '') == '' and 100 or 3600000
  redis.call('SET', KEYS[1], string.format('%.0f %.0f', count, now + left), 'PX', math.ceil(left / 1000) + grace)
end

-- [reply]
return {allowed and count or -1 - count, left}
