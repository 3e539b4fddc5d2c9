-- fixedwindow_settle.lua: settles the charge of a request that fixedwindow_reserve.lua has admitted, if the window that
-- was charged is still open: its count becomes what it would be if the true cost had been charged. A window that is
-- left empty stays open, except in the instant in which it was opened.
--
-- Send it once at most for a request. After a second time, what is given back may be another request's.
--
-- KEYS[1]  the limiter's key
-- ARGV[1]  used        the true cost, at most 2^51 more than reserved
-- ARGV[2]  reserved    what was charged
-- ARGV[3]  period_us   a window's length in microseconds
-- ARGV[4]  now_us      microseconds since the Unix epoch; empty for the server's clock
-- ARGV[5]  end_us      of fixedwindow_reserve.lua's reply
--
-- Reply    changed     1, or 0 if another window is open, or none
-- Writes   KEYS[1], a string: the window with another count, 0 to 2^52; or removes it. A key that holds something else
--          gets a TTL if it has none.
-- TTL      as it was

-- [clock]
local now = ARGV[4]
if not now or now == '' then
  local clock = redis.call('TIME')
  now = clock[1] * 1000000 + clock[2]
end

-- [state]
local period = ARGV[3] + 0
local finish, admitted
local stored = redis.call('GET', KEYS[1])
if stored then
  finish, admitted = string.match(stored, '^(%d+) (%d+)$')
  if not finish or #stored > 33 then
    if redis.call('PTTL', KEYS[1]) == -1 then
      redis.call('PEXPIRE', KEYS[1], math.ceil(period / 1000))
    end
    return redis.error_reply('WEIRSTATE the key holds no window')
  end
end

-- [settlement]
if finish ~= ARGV[5] or finish - now <= 0 then
  return 0
end

-- [commit]
local count = math.min(math.max(admitted + (ARGV[1] - ARGV[2]), 0), 2 ^ 52)
if count == 0 and finish - now == ARGV[3] + 0 then
  redis.call('UNLINK', KEYS[1]) -- it was opened just now, by what is given back
else
  redis.call('SET', KEYS[1], finish .. string.format(' %d', count), 'KEEPTTL')
end

-- [reply]
return 1
