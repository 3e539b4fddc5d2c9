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
-- Reply    allowed    1 or 0
--          used       what the last period has admitted, with this request if allowed
--          retry_us   0 if allowed, else the time until this request would fit
--          reset_us   the time until the newest entry has gone
-- Writes   KEYS[1], when allowed: the base and the entry, less the entries that have gone. When
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

-- number is what up to six big-endian bytes mean: those of first to last.
local function number(bytes, first, last)
  local a, b, c, d, e, f = string.byte(bytes, first, last)
  if not d then
    return (a * 256 + b) * 256 + c
  end
  return ((((a * 256 + b) * 256 + c) * 256 + d) * 256 + e) * 256 + f
end

-- age is the microseconds since an entry was admitted, below 0 for a time yet to come.
local function age(entry)
  local us = (number(entry, 1, 6) - since + 2 ^ 47) % 2 ^ 48 - 2 ^ 47 -- since the base was written
  return now - since - us
end

-- count is what was admitted from the base up to an entry, the entry included.
local function count(entry)
  return (number(entry, 7, #entry) - base) % 256 ^ (#entry - 6)
end

-- search returns the first entry behind index low for which fits is true, its index, and the
-- entry before it. The newest entry must fit, and all behind one that fits. It looks 1, 2, 4, …
-- entries on, then halves the stretch in which the entry must lie.
local function search(low, before, fits)
  local step, high, found = 1, low + 1
  while true do
    local entry = redis.call('LINDEX', KEYS[1], high)
    if not entry or fits(entry) then
      found = entry
      break
    end
    before, low, step = entry, high, step * 2
    high = high + step
  end
  while high - low > 1 do
    local middle = math.floor((low + high) / 2)
    local entry = redis.call('LINDEX', KEYS[1], middle)
    if not entry or fits(entry) then
      high, found = middle, entry
    else
      low, before = middle, entry
    end
  end
  return found, high, before
end

local head = redis.call('LINDEX', KEYS[1], 0)
local newest = redis.call('LINDEX', KEYS[1], -1)
if head then
  if #head ~= 13 or #newest < 9 then
    return redis.error_reply('WEIRSTATE the key holds no log')
  end
  since, base = string.byte(head) * 2 ^ 48 + number(head, 2, 7), number(head, 8, 13)
end
local gone, used = 0, 0 -- what left the log since the base was written, and what is still in it
local oldest, first, last_gone
if head and age(newest) < period then
  oldest, first, last_gone = search(0, nil, function(entry) return age(entry) < period end)
  gone = last_gone and count(last_gone) or 0
  used = count(newest) - gone
end

-- [decision]
local allowed = used + cost <= rate
local retry, reset = 0, period
if allowed then
  used = used + cost
else
  -- It fits once as much has gone as it is too much by.
  local until_gone = gone + used + cost - rate
  if count(oldest) < until_gone then
    oldest = search(first, oldest, function(entry) return count(entry) >= until_gone end)
  end
  retry = period - math.max(age(oldest), 0)
  reset = period - math.max(age(newest), 0)
end

-- [commit]
local clamped = head and age(newest) < 0
if allowed or clamped then
  local floor = math.floor

  -- bytes writes n, modulo 256^width, as three or six big-endian bytes.
  local function bytes(n, width)
    local low = string.char(floor(n / 65536) % 256, floor(n / 256) % 256, n % 256)
    if width == 3 then
      return low
    end
    return string.char(floor(n / 2 ^ 40) % 256, floor(n / 2 ^ 32) % 256, floor(n / 2 ^ 24) % 256) .. low
  end

  local time = bytes(now, 6)
  if clamped then
    local _, ahead = search(0, nil, function(entry) return age(entry) < 0 end)
    redis.call('LTRIM', KEYS[1], 0, ahead - 1)
    redis.call('RPUSH', KEYS[1], time .. bytes(base + count(newest), 6))
  end
  if not oldest or clamped or first > 1 then
    local high = string.char(floor(now / 2 ^ 48)) -- the base's time is in full
    if oldest then
      redis.call('LTRIM', KEYS[1], first - 1, -1)
      redis.call('LSET', KEYS[1], 0, high .. time .. bytes(base + gone, 6))
    else
      base = 0
      if head then
        redis.call('UNLINK', KEYS[1])
      end
      redis.call('RPUSH', KEYS[1], high .. time .. bytes(base, 6))
    end
  end
  if allowed then
    redis.call('RPUSH', KEYS[1], time .. bytes(base + gone + used, rate < 2 ^ 23 and 3 or 6))
  end
  local grace = (ARGV[4] or '') == '' and 100 or 3600000
  redis.call('PEXPIRE', KEYS[1], math.ceil(reset / 1000) + grace)
end

-- [reply]
return {allowed and 1 or 0, used, retry, reset}
