-- allof_peek.lua: the standing of several limits, and whether allof.lua would admit a request now. It is read only.
--
-- KEYS     each limit's key
-- ARGV[1]  kinds  a letter for each limit: g for gcra.lua, f for fixedwindow.lua, s for slidinglog.lua; G or F if the
--                 limit has arguments behind now_us; then t if now_us is given
-- ARGV     then for each limit the arguments of its own script. now_us has no effect there, and is left out if it is
--          the last
-- ARGV     then, if kinds ends in t, now_us: microseconds since the Unix epoch; else the server's clock is asked
--
-- Reply    for each limit the integers of the reply of its own script that looks: gcra_peek.lua, fixedwindow_peek.lua
--          or slidinglog_peek.lua. They stand as in the reply of allof.lua
-- Writes   nothing
-- TTL      left as it is

-- [clock]
local moment = ARGV[#ARGV]
if #ARGV[1] == #KEYS then
  local clock = redis.call('TIME')
  moment = clock[1] * 1000000 + clock[2]
end

-- [limits]
-- look returns true and the reply of the limit with index i, whose arguments are behind index from of ARGV; nil and an
-- error if its key is wrong.
local function look(KEYS, ARGV, now, i, from)
  local key, kind, all = KEYS[i], string.byte(ARGV[1], i), true
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
    local count, left = 0, longest
    local stored = redis.call('GET', key)
    if stored then
      local finish, admitted
      finish, admitted = string.match(stored, '^(%d+) (%d+)$')
      if not finish or #stored > 33 then
        return nil, redis.error_reply('WEIRSTATE the key holds no window')
      end
      local open = finish - now
      if open > 0 then
        count, left = admitted + 0, open
        if open > longest then
          left = longest
        end
      end
    end

    -- [decision]
    local rate = ARGV[from + 2] + 0
    local after = count + ARGV[from + 1]
    local allowed = after <= rate

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
    if live and not oldest and not allowed then
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
      return nil, redis.error_reply('WEIRSTATE the key holds no log')
    end
    if used > 0 then
      reset = period - math.max(newest_age, 0)
    end

    -- [reply]
    KEYS[0] = true
    return all, {allowed and used or -1 - used, retry, reset}
  end
end
local from = 1
for i = 1, #KEYS do
  local fine, reply = look(KEYS, ARGV, moment, i, from)
  if not fine then
    return reply
  end
  KEYS[i] = reply -- in place of its key
  local kind = string.byte(ARGV[1], i)
  from = from + (kind == 71 and 6 or kind == 70 and 5 or kind == 103 and 2 or 3)
end

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
