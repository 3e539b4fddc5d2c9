-- gcra_many.lua: gcra.lua for many requests, one after the other, as if each had been sent alone.
--
-- KEYS     the keys of all requests, in order; those of equal requests that follow one another, once
-- ARGV     for each group of requests with the same arguments, in order: how many different requests it has, how often
--          each is made, how many keys each has (1 in Weir's own calls), how many arguments follow, and these arguments
--
-- Reply    1 and for each request its reply, if all are one integer; else -1 and for each request how many
--          integers its reply has, and these; -1 in place of that for a request that failed
-- Writes   as gcra.lua, each key once
-- TTL      as gcra.lua

-- [time and keys]
local shown
local function read_clock()
  shown = shown or redis.call('TIME')
  return shown
end
local values, lives = {}, {} -- what the keys hold, and how many milliseconds a new value is to live
local whose = {} -- the key of each request
local function get(key)
  local value = values[key]
  if value == nil then
    value = redis.call('GET', key)
    values[key] = value
  end
  return value
end
local function set(key, value, _, ms)
  values[key], lives[key] = value, ms
end

local function decide(KEYS, ARGV)
  -- [clock]

  local now, grace = ARGV[3], 3600000 -- grace: how many ms longer than its state a key lives
  if not now or now == '' then
    local clock = read_clock()
    now, grace = clock[1] * 1000000 + clock[2], 100
  end

  -- [state]
  local den = ARGV[6]
  if den then
    den = den + 0
  end
  local ahead, part, owed = 0, 0
  local stored = get(KEYS[1])
  if stored then
    local tat, over, foreign = stored
    if den then
      tat, over = string.match(stored, '^(%d+)%+?(%d*)$')
      if over and over ~= '' and #over <= 16 then
        part = over + 0
      end
      foreign = not tat or #tat > 16 or #over > 16 or part >= den or (over == '' and #tat < #stored)
    else
      foreign = type(stored) == 'string' and (#stored > 16 or not string.find(stored, '^%d+$'))
    end
    if foreign then
      tat, over, owed = string.match(stored, '^(%d+)%+?(%d*)@(%d+)$') -- a debt, and since when
      part = tonumber(over or '') or 0
      if not owed or #tat > 16 or #over > 16 or #owed > 16 or part >= (den or 1)
        or over == '' and string.find(stored, '+', 1, true) then
        if redis.call('PTTL', KEYS[1]) == -1 then
          redis.call('PEXPIRE', KEYS[1], math.ceil(ARGV[2] / 1000))
        end
        return redis.error_reply('WEIRSTATE the key holds no theoretical arrival time')
      end
      owed = tat - now <= 2 ^ 52 and owed + 0 or nil -- no settlement writes one that lies further ahead
    end
    ahead = tat - now
    if ahead < 0 then
      ahead, part = 0, 0
    end
  end

  -- [decision]
  local burst, burst_part, cost_part = ARGV[2] + 0, 0, 0
  if den then
    burst_part, cost_part = ARGV[5] + 0, ARGV[4] + 0
  end
  local clamped = (ahead > burst or (ahead == burst and part > burst_part)) and (not owed or owed > now + 0)
  if clamped then
    ahead, part = burst, burst_part
  end
  local after, after_part = ahead + ARGV[1], part + cost_part
  if den and after_part >= den then
    after, after_part = after + 1, after_part - den
  end
  local allowed = after < burst or (after == burst and after_part <= burst_part)
  if allowed then
    ahead, part = after, after_part
  end

  -- [commit]
  if allowed or clamped then
    local at = now + ahead -- a number, unless it may have a part
    if den then
      at = string.format(part > 0 and '%.0f+%.0f' or '%.0f', at, part)
    end
    set(KEYS[1], at, 'PX', math.ceil(ahead / 1000) + grace)
  end

  -- [reply]
  local standing = allowed and ahead or -1 - ahead
  if den then
    return {standing, part}
  end
  return standing
end

-- [requests]
local replies, size, plain, key, at = {1}, 1, true, 0, 1
while ARGV[at] do
  local tuples, times, width, args = ARGV[at] + 0, ARGV[at + 1] + 0, ARGV[at + 2] + 0, {}
  for i = 1, ARGV[at + 3] + 0 do
    args[i] = ARGV[at + 3 + i]
  end
  at = at + 4 + #args
  for _ = 1, tuples do
    local one = {}
    for i = 1, width do
      one[i] = KEYS[key + i]
    end
    key = key + width
    for _ = 1, times do
      local fine, reply = pcall(decide, one, args)
      size = size + 1
      whose[size] = one[1]
      replies[size] = fine and reply
      plain = plain and fine and type(reply) == 'number'
    end
  end
end

-- [store]
for held, life in pairs(lives) do
  if not pcall(redis.call, 'SET', held, values[held], 'PX', life) then
    plain = false
    for i = 2, size do -- nothing was charged: its requests have failed
      replies[i] = whose[i] ~= held and replies[i]
    end
  end
end

-- [replies]
if plain then
  return replies
end
local flat, length = {-1}, 1
for i = 2, size do
  local reply = replies[i]
  if type(reply) == 'number' then
    reply = {reply}
  end
  if not reply or reply.err then
    length = length + 1
    flat[length] = -1
  else
    flat[length + 1] = #reply
    for j = 1, #reply do
      flat[length + 1 + j] = reply[j]
    end
    length = length + 1 + #reply
  end
end
return flat
