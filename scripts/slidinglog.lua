-- slidinglog.lua: one decision of the sliding log: a request is admitted if it and what was
-- admitted in the period before it come to at most rate. An entry exactly a period old has gone.
--
-- The log is a list: a base, then one entry for each admitted request, oldest first, whatever its
-- cost. An entry is 6 bytes of time, in microseconds modulo 2^48, and a running count of all that
-- was admitted, this request included: modulo 2^24 in 3 bytes or, for rates from 2^23, modulo 2^48
-- in 6. The base is 7 bytes of time in full, of when it was written, and the 6-byte running count
-- of what has left the log. All is big-endian. So what any stretch of the log admitted is the
-- difference of two counts, the times ascend, and whatever is looked for is found in a number of
-- steps that is logarithmic in the entries passed over: nothing depends on the rate or the cost.
--
-- KEYS[1]  the limiter's key
-- ARGV[1]  cost       what the request counts for, 1 to rate
-- ARGV[2]  rate       the most that any span of a period admits, up to 2^46
-- ARGV[3]  period_us  the span's length in microseconds, up to 2^46
-- ARGV[4]  now_us     microseconds since the Unix epoch; empty for the server's clock
--
-- Reply    standing   if admitted, what the last period has admitted with this request, and nothing
--                     else; if denied, -1 less what it has admitted
--          retry_us   the time until this request would fit
--          reset_us   the time until the newest entry has gone; if admitted, that is a period
-- Writes   KEYS[1], when allowed: the base and the entry, less the entries that have gone (65,536 of
--          them at most, and the others with later decisions). When
--          denied nothing, except that entries of a time that is yet to come (the clock went back)
--          become one entry of now.
-- TTL      until the newest entry has gone, and 100 ms more; an hour more where now_us was given

-- [clock]
local now = ARGV[4] or ''
if now == '' then
  local time = redis.call('TIME')
  now = time[1] * 1000000 + time[2]
end

-- [state]
local cost, rate, period = ARGV[1] + 0, ARGV[2] + 0, ARGV[3] + 0
local since, base

-- read returns the microseconds since an entry was admitted, below 0 for a time yet to come, and what
-- was admitted from the base up to it, the entry included.
local function read(entry)
  local a, b, c, d, e, f, u, v, w, x, y, z = string.byte(entry, 1, 12)
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
local newest, newest_age
local gone, used = 0, 0 -- what left the log since the base was written, and what is still in it
local oldest, oldest_age, upto, first -- the first entry still in it, the count up to that, its index
if head then
  newest = redis.call('LINDEX', KEYS[1], '-1')
  local a, b, c, d, e, f, g, u, v, w, x, y, z = string.byte(head, 1, 13)
  if not z or #newest < 9 then
    return redis.error_reply('WEIRSTATE the key holds no log')
  end
  since = (((((a * 256 + b) * 256 + c) * 256 + d) * 256 + e) * 256 + f) * 256 + g
  base = ((((u * 256 + v) * 256 + w) * 256 + x) * 256 + y) * 256 + z
  newest_age, used = read(newest)
  if newest_age >= period then
    used = 0
  else
    oldest, first = redis.call('LINDEX', KEYS[1], '1'), 1
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

-- [decision]
local allowed = used + cost <= rate
local retry, reset = 0, period
if allowed then
  used = used + cost
else
  -- It fits once as much has gone as it is too much by.
  local until_gone = gone + used + cost - rate
  if upto < until_gone then
    oldest = search(first, oldest, function(_, count) return count >= until_gone end)
    oldest_age = read(oldest)
  end
  retry = period - math.max(oldest_age, 0)
  reset = period - math.max(newest_age, 0)
end

-- [commit]
local clamped = newest and newest_age < 0
if allowed or clamped then
  local char = string.char

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
    return char(a, b, c, three(low))
  end

  local time = six(now)
  if clamped then
    local _, count = read(newest)
    local _, ahead = search(0, nil, function(age) return age < 0 end)
    redis.call('LTRIM', KEYS[1], '0', ahead - 1)
    redis.call('RPUSH', KEYS[1], time .. six(base + count))
  end
  if oldest and (clamped or first > 1) then
    -- The last entry that goes becomes the base. Of very many only a part goes at once, so that no
    -- decision holds the server for long, if what stays can still be counted in three bytes.
    local last, passed = first - 1, gone
    if last > 65536 then
      local _, part = read(redis.call('LINDEX', KEYS[1], '65536'))
      if gone + used - part < 2 ^ 23 then
        last, passed = 65536, part
      end
    end
    redis.call('LTRIM', KEYS[1], last, '-1')
    redis.call('LSET', KEYS[1], '0', char(math.floor(now / 2 ^ 48)) .. time .. six(base + passed))
  end
  if allowed then
    local count = oldest and base + gone + used or used
    local entry = time .. (rate < 2 ^ 23 and char(three(count)) or six(count))
    if oldest then
      redis.call('RPUSH', KEYS[1], entry)
    else
      if head then
        redis.call('UNLINK', KEYS[1])
      end
      redis.call('RPUSH', KEYS[1], char(math.floor(now / 2 ^ 48)) .. time .. six(0), entry)
    end
  end
  local grace = (ARGV[4] or '') == '' and 100 or 3600000
  redis.call('PEXPIRE', KEYS[1], math.ceil(reset / 1000) + grace)
end

-- [reply]
if allowed then
  return used
end
return {-1 - used, retry, reset}
