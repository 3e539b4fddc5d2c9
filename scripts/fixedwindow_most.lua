-- fixedwindow_most.lua: admits as many of some events as fit, as fixedwindow.lua would admit a request for just these.
--
-- KEYS[1]  the limiter's key
-- ARGV[1]  count       how many events are asked for: 1 to rate
-- ARGV[2]  rate        the most that a window admits, below 2^52
-- ARGV[3]  period_us   a window's length in microseconds
-- ARGV[4]  now_us      microseconds since the Unix epoch; empty for the server's clock
-- ARGV[5]  aligned     1: windows begin at whole periods since the Unix epoch; else left out
--
-- Reply    admitted    how many were admitted, 0 to count
--          standing    if any were, what the open window has admitted with them; else -1 less what it has admitted
--          left_us     how long the window is still open
-- Writes   as fixedwindow.lua
-- TTL      as fixedwindow.lua

-- [clock]
local now, grace = ARGV[4], 3600000 -- grace: how many ms longer than its state a key lives
if not now or now == '' then
  local clock = redis.call('TIME')
  now, grace = clock[1] * 1000000 + clock[2], 100
end

-- [state]
local period = ARGV[3] + 0
local longest = period
if ARGV[5] then
  longest = period - now % period
end
local count, left, clamped = 0, longest, false
local stored = redis.call('GET', KEYS[1])
local finish, admitted -- of a window that is open
if stored then
  finish, admitted = string.match(stored, '^(%d+) (%d+)$')
  if not finish or #stored > 33 then
    if redis.call('PTTL', KEYS[1]) == -1 then
      redis.call('PEXPIRE', KEYS[1], math.ceil(period / 1000))
    end
    return redis.error_reply('WEIRSTATE the key holds no window')
  end
  local open = finish - now
  if open > 0 then
    count, left = admitted + 0, open
    if open > longest then
      left, clamped = longest, true
    end
  else
    finish = nil
  end
end

-- [fit]
local cost = math.max(1, math.min(ARGV[1], ARGV[2] - count)) -- if none fits, the decision is that on one event

-- [decision]
local rate = ARGV[2] + 0
local after = count + cost
local allowed = after <= rate
if allowed then
  count = after
end

-- [commit]
if allowed or clamped then
  local text = string.format('%d', count)
  if finish and not clamped and #finish == 16 and #text >= #admitted then
    redis.call('SETRANGE', KEYS[1], '17', text) -- behind END; the TTL stays
  else
    local life = string.format('%d', (left + 999) / 1000 + grace)
    redis.call('SET', KEYS[1], string.format('%d ', now + left) .. text, 'PX', life)
  end
end

-- [reply]
return {allowed and cost or 0, allowed and count or -1 - count, left}
