-- allof.lua: one decision of several limits: a request is admitted if each limit admits it, and is charged to all
-- or to none. Each limit decides as its own script does.
--
-- KEYS     each limit's key
-- ARGV[1]  kinds  a letter for each limit: g for gcra.lua, f for fixedwindow.lua, s for slidinglog.lua; G or F if the
--                 limit has arguments behind now_us; then t if now_us is given
-- ARGV     then for each limit the arguments of its own script. now_us has no effect there, and is left out if it is
--          the last
-- ARGV     then, if kinds ends in t, now_us: microseconds since the Unix epoch; else the server's clock is asked
--
-- Reply    for each limit the integers of its own script's reply. If each has one integer, these are all; else how many
--          integers a limit has stands before them. If one limit denies, each has the reply of the script that
--          looks (gcra_peek.lua and the like), so that it tells whether that limit alone would admit the request
-- Writes   if all admit, what each script writes when allowed. Else nothing, except what each script writes when
--          denied: a time that is too far ahead (the clock went back) is brought back. A key that holds something
--          else is an error for all, and gets a TTL if it has none. The server refuses the first write or none, so no
--          request is charged to some of the limits only.
-- TTL      as each script

-- [clock]
local moment, longer = ARGV[#ARGV], 3600000 -- longer: how many ms longer than its state a key lives
if #ARGV[1] == #KEYS then
  local clock = redis.call('TIME')
  moment, longer = clock[1] * 1000000 + clock[2], 100
end

-- [limits]
-- weigh decides on the limits from index i on. The arguments of the first are behind index from of ARGV. so_far tells
-- whether the limits before it admit. It returns whether all limits admit, and the first one's reply; nil and an error
-- if a key is wrong. Nothing is charged before all have been weighed. A reply takes the place of its key in KEYS.
-- What it needs are its arguments, itself as again, as they cost the server less than upvalues.
local function weigh(again, KEYS, ARGV, now, grace, i, from, so_far)
  local key = KEYS[i]
  if not key then
    return so_far
  end
  local kind = string.byte(ARGV[1], i)
  if kind == 103 or kind == 71 then -- g or G
    -- [state]
    local den = kind < 97 and ARGV[from + 6]
    if den then
      den = den + 0
    end
    local ahead, part, owed = 0, 0
    local stored = redis.call('GET', key)
    if stored then
      local tat, over, foreign = stored
      if den then
        tat, over = string.match(stored, '^(%d+)%+?(%d*)$')
        if over and over ~= '' and #over <= 16 then
          part = over + 0
        end
        foreign = not tat or #tat > 16 or #over > 16 or part >= den or (over == '' and #tat < #stored)
      else
        foreign = #stored > 16 or not string.find(stored, '^%d+$')
      end
      if foreign then
        tat, over, owed = string.match(stored, '^(%d+)%+?(%d*)@(%d+)$') -- a debt, and since when
        part = tonumber(over or '') or 0
        if not owed or #tat > 16 or #over > 16 or #owed > 16 or part >= (den or 1)
          or over == '' and string.find(stored, '+', 1, true) then
          if redis.call('PTTL', key) == -1 then
            redis.call('PEXPIRE', key, math.ceil(ARGV[from + 2] / 1000))
          end
          return nil, redis.error_reply('WEIRSTATE the key holds no theoretical arrival time')
        end
        owed = tat - now <= 2 ^ 52 and owed + 0 or nil -- no settlement writes one that lies further ahead
      end
      ahead = tat - now
      if ahead < 0 then
        ahead, part = 0, 0
      end
    end

    -- [decision]
    local burst, burst_part, cost_part = ARGV[from + 2] + 0, 0, 0
    if den then
      burst_part, cost_part = ARGV[from + 5] + 0, ARGV[from + 4] + 0
    end
    local clamped = (ahead > burst or (ahead == burst and part > burst_part)) and (not owed or owed > now + 0)
    if clamped then
      ahead, part = burst, burst_part
    end
    local after, after_part = ahead + ARGV[from + 1], part + cost_part
    if den and after_part >= den then
      after, after_part = after + 1, after_part - den
    end
    local allowed = after < burst or (after == burst and after_part <= burst_part)
    local was = ahead

    -- [the limits after it]
    local all, reply = again(again, KEYS, ARGV, now, grace, i + 1, from + (kind == 71 and 6 or 2), so_far and allowed)
    if all == nil then
      return nil, reply
    end
    KEYS[i + 1] = reply

    -- [charge]
    if all then
      ahead, part = after, after_part
    end

    -- [commit]
    if all or clamped then
      if was > 0 and not den and not clamped and not owed then
        -- To add to the time costs a server less than to write it, and so does to see that the key lives long enough.
        redis.call('INCRBY', key, ARGV[from + 1])
        if redis.call('PTTL', key) < ahead / 1000 + grace / 2 then
          redis.call('PEXPIRE', key, string.format('%d', (ahead + ARGV[from + 2]) / 1000 + grace + 1))
        end
      else
        local at = string.format('%d', now + ahead)
        if part > 0 then
          at = at .. string.format('+%d', part)
        end
        redis.call('SET', key, at, 'PX', string.format('%d', (ahead + 999) / 1000 + grace))
      end
    end

    -- [reply]
    local standing = allowed and ahead or -1 - ahead
    if den then
      KEYS[0] = true
      return all, {standing, part}
    end
    return all, standing
  elseif kind == 102 or kind == 70 then -- f or F
    -- [state]
    local period = ARGV[from + 3] + 0
    local longest = period
    if kind < 97 and ARGV[from + 5] then
      longest = period - now % period
    end
    local count, left, clamped = 0, longest, false
    local stored = redis.call('GET', key)
    local finish, admitted -- of a window that is open
    if stored then
      finish, admitted = string.match(stored, '^(%d+) (%d+)$')
      if not finish or #stored > 33 then
        if redis.call('PTTL', key) == -1 then
          redis.call('PEXPIRE', key, math.ceil(period / 1000))
        end
        return nil, redis.error_reply('WEIRSTATE the key holds no window')
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

    -- [decision]
    local rate = ARGV[from + 2] + 0
    local after = count + ARGV[from + 1]
    local allowed = after <= rate

    -- [the limits after it]
    local all, reply = again(again, KEYS, ARGV, now, grace, i + 1, from + (kind == 70 and 5 or 3), so_far and allowed)
    if all == nil then
      return nil, reply
    end
    KEYS[i + 1] = reply

    -- [charge]
    if all then
      count = after
    end

    -- [commit]
    if all or clamped then
      local text = string.format('%d', count)
      if finish and not clamped and #finish == 16 and #text >= #admitted then
        redis.call('SETRANGE', key, '17', text) -- behind END; the TTL stays
      else
        local life = string.format('%d', (left + 999) / 1000 + grace)
        redis.call('SET', key, string.format('%d ', now + left) .. text, 'PX', life)
      end
    end

    -- [reply]
    if (rate + 1) * (period + 1) <= 9007199254740992 then
      local packed = left * (rate + 1) + (count < rate and count or rate)
      return all, allowed and packed or -1 - packed
    end
    KEYS[0] = true
    return all, {allowed and count or -1 - count, left}
  else
    -- [state]
    local cost, rate, period = ARGV[from + 1] + 0, ARGV[from + 2] + 0, ARGV[from + 3] + 0
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
        local entry = redis.call('LINDEX', key, high)
        if not entry or fits(read(entry)) then
          found = entry
          break
        end
        before, low, step = entry, high, step * 2
        high = high + step
      end
      while high - low > 1 do
        local middle = math.floor((low + high) / 2)
        local entry = redis.call('LINDEX', key, middle)
        if not entry or fits(read(entry)) then
          high, found = middle, entry
        else
          low, before = middle, entry
        end
      end
      return found, high, before
    end

    local head = redis.call('LINDEX', key, '0')
    local newest, newest_age, live -- live: an entry is still in the log
    local gone, used = 0, 0 -- what left the log since the base was written, and what is still in it
    -- The first entry that is still in it, if that was read, the count up to it, and its index.
    local oldest, oldest_age, upto, first
    if head then
      newest = redis.call('LINDEX', key, '-1')
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
            oldest = redis.call('LINDEX', key, '1')
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
    local clamped = newest_age and newest_age < 0
    if live and not oldest and (clamped or not allowed) then
      oldest = redis.call('LINDEX', key, '1')
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
      if redis.call('PTTL', key) == -1 then
        redis.call('PEXPIRE', key, math.ceil(period / 1000))
      end
      return nil, redis.error_reply('WEIRSTATE the key holds no log')
    end
    if used > 0 then
      reset = period - math.max(newest_age, 0)
    end

    -- [the limits after it]
    local all, reply = again(again, KEYS, ARGV, now, grace, i + 1, from + 3, so_far and allowed)
    if all == nil then
      return nil, reply
    end
    KEYS[i + 1] = reply

    -- [charge]
    if all then
      used = used + cost
    end

    -- [commit]
    local entry
    if all then
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
    if clamped or all and live and first > 1 then
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
        redis.call('LTRIM', key, '0', ahead - 1)
        redis.call('RPUSH', key, six(now) .. six(base + count))
      end
      -- The last entry that goes becomes the base. Of very many only a part goes at once, so that no
      -- decision holds the server for long, if what stays can still be counted in three bytes.
      local last, passed, age = first - 1, gone, math.max(oldest_age, 0)
      if last > 65536 then
        local _, part = read(redis.call('LINDEX', key, '65536'))
        if gone + used - part < 2 ^ 23 then
          last, passed, age = 65536, part, (read(redis.call('LINDEX', key, '65537')))
        end
      end
      redis.call('LTRIM', key, last, '-1')
      redis.call('LSET', key, '0', base_of(now - age, base + passed))
    end
    if all and live then
      redis.call('RPUSH', key, entry)
    elseif all then
      if head then
        redis.call('UNLINK', key)
      end
      local new_base = string.char(math.floor(now / 2 ^ 48)) .. string.sub(entry, 1, 6) .. '\0\0\0\0\0\0'
      redis.call('RPUSH', key, new_base, entry)
      local expires = redis.pcall('PEXPIRE', key, string.format('%d', (period + 999) / 1000 + grace))
      if type(expires) == 'table' then
        redis.call('UNLINK', key) -- no log is left without a TTL
        return nil, expires
      end
    end
    if live and (all or clamped) and redis.call('PTTL', key) < period / 1000 + grace / 2 then
      redis.call('PEXPIRE', key, string.format('%d', period / 500 + grace + 1))
    end

    -- [reply]
    if all then
      return all, used
    end
    KEYS[0] = true
    return all, {allowed and used or -1 - used, retry, reset}
  end
end
local fine, first = weigh(weigh, KEYS, ARGV, moment, longer, 1, 1, true)
if fine == nil then
  return first
end
KEYS[1] = first

-- [reply]
if not KEYS[0] then
  return KEYS
end
local flat, length = {}, 0
for i = 1, #KEYS do
  local reply = KEYS[i]
  if type(reply) == 'number' then
    reply = {reply}
  end
  flat[length + 1] = #reply
  for j = 1, #reply do
    flat[length + 1 + j] = reply[j]
  end
  length = length + 1 + #reply
end
return flat
