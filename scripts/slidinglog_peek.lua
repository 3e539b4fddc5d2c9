-- slidinglog_peek.lua: the standing of a key, and whether slidinglog.lua would admit a request now. It is read only.
--
-- KEYS[1]  the limiter's key
-- ARGV[1]  cost       what the request counts for, 1 to rate
-- ARGV[2]  rate       the most that any span of a period admits, up to 2^46
-- ARGV[3]  period_us  the span's length in microseconds, up to 2^46
-- ARGV[4]  now_us     microseconds since the Unix epoch; empty for the server's clock
--
-- Reply    standing   what the last period has admitted; -1 less that if the request would be denied
--          retry_us   the time until this request would fit
--          reset_us   the time until the newest entry has gone, 0 if there is none
-- Writes   nothing
-- TTL      left as it is

-- [clock]
local now = ARGV[4]
if not now or now == '' then
  local clock = redis.call('TIME')
  now = clock[1] * 1000000 + clock[2]
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

-- [decision]
local allowed = used + cost <= rate
local retry, reset = 0, 0
if live and not oldest and not allowed then
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
  return redis.error_reply('WEIRSTATE the key holds no log')
end
if used > 0 then
  reset = period - math.max(newest_age, 0)
end

-- [reply]
return {allowed and used or -1 - used, retry, reset}
