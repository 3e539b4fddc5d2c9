-- slidinglog_most.lua: admits as many of some events as fit, as slidinglog.lua would admit a request for just
-- these. They are one entry.
--
-- KEYS[1]  the limiter's key
-- ARGV[1]  count      how many events are asked for: 1 to rate
-- ARGV[2]  rate       the most that any span of a period admits, up to 2^46
-- ARGV[3]  period_us  the span's length in microseconds, up to 2^46
-- ARGV[4]  now_us     microseconds since the Unix epoch; empty for the server's clock
--
-- Reply    admitted   how many were admitted, 0 to count
--          standing   if any were, what the last period has admitted with them; else -1 less what it has admitted
--          retry_us   0 if any were, else the time until one event would fit
--          reset_us   the time until the newest entry has gone
-- Writes   as slidinglog.lua
-- TTL      as slidinglog.lua

-- [clock]
local now, grace = ARGV[4], 3600000 -- grace: how many ms longer than its state a key lives
if not now or now == '' then
  local clock = redis.call('TIME')
  now, grace = clock[1] * 1000000 + clock[2], 100
end

-- [state]
local cost, rate, period = ARGV[1] + 0, ARGV[2] + 0, ARGV[3] + 0
local since, base, foreign

-- read returns the microseconds since an entry was admitted, below 0 for a time yet to come, and what
-- was admitted from the base up to it, the entry included.
local function read(entry)
  local a, b, c, d, e, f, u, v, w, x, y, z
  if entry then
    a, b, c, d, e, f, u, v, w, x, y, z = string.byte(entry, 1, 12)
  end
  if not w or x and not z then
    foreign = true
    return 0, 0
  end
  local us = ((((a * 256 + b) * 256 + c) * 256 + d) * 256 + e) * 256 + f
  us = (us - since + 2 ^ 47) % 2 ^ 48 - 2 ^ 47 -- since the base was written
  local count = (u * 256 + v) * 256 + w
  if x then
    count = (((count * 256 + x) * 256 + y) * 256 + z - base) % 2 ^ 48
  else
    count = (count - base) % 2 ^ 24
  end
  return now - since - us, count
end

-- search returns the first entry behind index low for which fits is true, its index, and the
-- entry before it. The newest entry must fit, and all behind one that fits. It looks 1, 2, 4, …
-- entries on, then halves the stretch in which the entry must lie.
local function search(low, before, fits)
  local step, high, found = 1, low + 1
  while true do
    local entry = redis.call('LINDEX', KEYS[1], high)
    if not entry or fits(read(entry)) then
      found = entry
      break
    end
    before, low, step = entry, high, step * 2
    high = high + step
  end
  while high - low > 1 do
    local middle = math.floor((low + high) / 2)
    local entry = redis.call('LINDEX', KEYS[1], middle)
    if not entry or fits(read(entry)) then
      high, found = middle, entry
    else
      low, before = middle, entry
    end
  end
  return found, high, before
end

local head = redis.call('LINDEX', KEYS[1], '0')
local newest, newest_age, live -- live: an entry is still in the log
local gone, used = 0, 0 -- what left the log since the base was written, and what is still in it
-- The first entry that is still in it, if that was read, the count up to it, and its index.
local oldest, oldest_age, upto, first
if head then
  newest = redis.call('LINDEX', KEYS[1], '-1')
  local a, b, c, d, e, f, g, u, v, w, x, y, z, more = string.byte(head, 1, 14)
  foreign = not z or more or #newest > 12
  if not foreign then
    since = (((((a * 256 + b) * 256 + c) * 256 + d) * 256 + e) * 256 + f) * 256 + g
    base = ((((u * 256 + v) * 256 + w) * 256 + x) * 256 + y) * 256 + z
    newest_age, used = read(newest)
    live = newest_age < period
    if not live then
      used = 0
    else
      first = 1
      if now - since >= period then
        oldest = redis.call('LINDEX', KEYS[1], '1')
        oldest_age, upto = read(oldest)
        if oldest_age >= period then
          local last_gone
          oldest, first, last_gone = search(1, oldest, function(age) return age < period end)
          oldest_age, upto = read(oldest)
          local _
          _, gone = read(last_gone)
          used = used - gone
        end
      end
    end
  end
end

-- [fit]
cost = math.max(1, math.min(cost, rate - used)) -- if none fits, the decision is that on one event

-- [decision]
local allowed = used + cost <= rate
local retry, reset = 0, period
local clamped = newest_age and newest_age < 0
if live and not oldest and (clamped or not allowed) then
  oldest = redis.call('LINDEX', KEYS[1], '1')
  oldest_age, upto = read(oldest)
end
if live and not allowed and not foreign then
  -- It fits once as much has gone as it is too much by.
  local until_gone = gone + used + cost - rate
  local leaves = oldest_age
  if upto < until_gone then
    local entry = search(first, oldest, function(_, count) return count >= until_gone end)
    leaves = read(entry)
  end
  retry = period - math.max(leaves, 0)
end
if foreign then
  if redis.call('PTTL', KEYS[1]) == -1 then
    redis.call('PEXPIRE', KEYS[1], math.ceil(period / 1000))
  end
  return redis.error_reply('WEIRSTATE the key holds no log')
end
if allowed then
  used = used + cost
else
  reset = period - math.max(newest_age, 0)
end

-- [commit]
local entry
if allowed then
  local count = live and base + gone + used or used
  local f, w = now % 256, count % 256
  local t, n = (now - f) / 256, (count - w) / 256
  local e, v = t % 256, n % 256
  t, n = (t - e) / 256, (n - v) / 256
  local d, u = t % 256, n % 256
  t = (t - d) / 256
  local c = t % 256
  t = (t - c) / 256
  local b = t % 256
  local a = (t - b) / 256 % 256
  if rate < 2 ^ 23 then
    entry = string.char(a, b, c, d, e, f, u, v, w)
  else
    n = (n - u) / 256
    local z = n % 256
    n = (n - z) / 256
    local y = n % 256
    entry = string.char(a, b, c, d, e, f, (n - y) / 256 % 256, y, z, u, v, w)
  end
end
if clamped or allowed and live and first > 1 then
  -- three returns the lowest three bytes of n, the highest first.
  local function three(n)
    local low = n % 256
    local rest = (n - low) / 256
    local middle = rest % 256
    return (rest - middle) / 256 % 256, middle, low
  end

  -- six writes n, modulo 2^48, in six bytes.
  local function six(n)
    local low = n % 2 ^ 24
    local a, b, c = three((n - low) / 2 ^ 24)
    return string.char(a, b, c, three(low))
  end

  -- base_of writes a base.
  local function base_of(time, count)
    return string.char(math.floor(time / 2 ^ 48)) .. six(time) .. six(count)
  end

  if clamped then
    local _, count = read(newest)
    local _, ahead = search(0, nil, function(age) return age < 0 end)
    redis.call('LTRIM', KEYS[1], '0', ahead - 1)
    redis.call('RPUSH', KEYS[1], six(now) .. six(base + count))
  end
  -- The last entry that goes becomes the base. Of very many only a part goes at once, so that no
  -- decision holds the server for long, if what stays can still be counted in three bytes.
  local last, passed, age = first - 1, gone, math.max(oldest_age, 0)
  if last > 65536 then
    local _, part = read(redis.call('LINDEX', KEYS[1], '65536'))
    if gone + used - part < 2 ^ 23 then
      last, passed, age = 65536, part, (read(redis.call('LINDEX', KEYS[1], '65537')))
    end
  end
  redis.call('LTRIM', KEYS[1], last, '-1')
  redis.call('LSET', KEYS[1], '0', base_of(now - age, base + passed))
end
if allowed and live then
  redis.call('RPUSH', KEYS[1], entry)
elseif allowed then
  if head then
    redis.call('UNLINK', KEYS[1])
  end
  local new_base = string.char(math.floor(now / 2 ^ 48)) .. string.sub(entry, 1, 6) .. '\0\0\0\0\0\0'
  redis.call('RPUSH', KEYS[1], new_base, entry)
  local expires = redis.pcall('PEXPIRE', KEYS[1], string.format('%d', (period + 999) / 1000 + grace))
  if type(expires) == 'table' then
    redis.call('UNLINK', KEYS[1]) -- no log is left without a TTL
    return expires
  end
end
if live and (allowed or clamped) and redis.call('PTTL', KEYS[1]) < period / 1000 + grace / 2 then
  redis.call('PEXPIRE', KEYS[1], string.format('%d', period / 500 + grace + 1))
end

-- [reply]
return {allowed and cost or 0, allowed and used or -1 - used, retry, reset}
