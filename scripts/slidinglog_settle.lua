-- slidinglog_settle.lua: settles the charge of a request that slidinglog_reserve.lua has admitted: it gives back the
-- part that was not used, or charges what was used beyond the reserved cost.
--
-- In any span that ends now or later, the log must never count less than if the request's entry had the true cost. If
-- no later entry was written, the entry gets the true cost, or is removed if that is 0. Otherwise the unused part is
-- taken from the oldest entries, and a cost above the reserved one is added to the newest. If the request's entry has
-- left the log, there is nothing to settle.
--
-- Send it at most once for a request. A second call may give back the charge of another request.
--
-- KEYS[1]  the limiter's key
-- ARGV[1]  used       the true cost, at most 2^46 more than reserved
-- ARGV[2]  reserved   what was charged
-- ARGV[3]  period_us  the span's length in microseconds, up to 2^46
-- ARGV[4]  now_us     microseconds since the Unix epoch; empty for the server's clock
-- ARGV[5]  at_us      of slidinglog_reserve.lua's reply
--
-- Reply    changed    1, or 0 if the request's entry has gone from the log
-- Writes   KEYS[1]: the log with other entries. The entries of a period come to 2^47 at most. What is charged besides
--          is written in 12 bytes. An empty log is removed. A key that holds something else gets a TTL if it has none.
-- TTL      as it was

-- [clock]
local now = ARGV[4]
if not now or now == '' then
  local clock = redis.call('TIME')
  now = clock[1] * 1000000 + clock[2]
end

-- [state]
local period = ARGV[3] + 0
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

-- [settlement]
local at, more = ARGV[5] + 0, ARGV[1] - ARGV[2]
local open = live and now - at < period -- the request's entry is still in the log
local total = gone + used -- the count up to the newest entry
local own = open and now - newest_age == at -- no entry of a later time was written
local index, kept, age -- the entry that stays, as the last or as the first; no kept: all go
if open and more < 0 then
  total = math.max(total + more, gone)
  if own then
    index, kept = -1, newest
    while kept do
      local before = redis.call('LINDEX', KEYS[1], index - 1)
      if #before == 13 then -- the base
        kept = total > 0 and kept
        break
      end
      local _, count = read(before)
      if count < total then
        break
      end
      index, kept = index - 1, before
    end
  elseif total > gone then
    if not oldest then
      oldest = redis.call('LINDEX', KEYS[1], '1')
      oldest_age, upto = read(oldest)
    end
    if upto > gone - more then
      index, kept, age = first, oldest, oldest_age
    else
      kept, index = search(first, oldest, function(_, count) return count > gone - more end)
      age = read(kept)
    end
  end
end
if foreign then
  if redis.call('PTTL', KEYS[1]) == -1 then
    redis.call('PEXPIRE', KEYS[1], math.ceil(period / 1000))
  end
  return redis.error_reply('WEIRSTATE the key holds no log')
end
if not open then
  return 0
end

-- [commit]
do
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

  if more > 0 then
    more = math.min(more, 2 ^ 47 - used)
    redis.call('LSET', KEYS[1], '-1', string.sub(newest, 1, 6) .. six(base + total + more))
  elseif not kept then
    redis.call('UNLINK', KEYS[1])
  elseif own then
    redis.call('LTRIM', KEYS[1], '0', index)
    local _, upto_kept = read(kept)
    if upto_kept > total then
      local count = #kept > 9 and six(base + total) or string.char(three(base + total))
      redis.call('LSET', KEYS[1], '-1', string.sub(kept, 1, 6) .. count)
    end
  else
    redis.call('LTRIM', KEYS[1], index - 1, '-1')
    redis.call('LSET', KEYS[1], '0', base_of(now - age, base + gone - more))
  end
end

-- [reply]
return 1
