-- fixedwindow_many.lua: fixedwindow.lua for many requests, one after the other, as if each had been sent alone.
--
-- KEYS     the keys of all requests, in order; those of equal requests that follow one another, once
-- ARGV     for each group of requests with the same arguments, in order: how many different requests it has, how often
--          each is made, how many keys each has (1 in Weir's own calls), how many arguments follow, and these arguments
--
-- Reply    1 and for each request its reply, if all are one integer; else -1 and for each request how many
--          integers its reply has, and these; -1 in place of that for a request that failed
-- Writes   as fixedwindow.lua, each key once
-- TTL      as fixedwindow.lua

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

  local now, grace = ARGV[4], 3600000 -- grace: how many ms longer than its state a key lives
  if not now or now == '' then
    local clock = read_clock()
    now, grace = clock[1] * 1000000 + clock[2], 100
  end

  -- [state]
  local period = ARGV[3] + 0
  local longest = period
  if ARGV[5] then
    longest = period - now % period
  end
  local count, left, clamped = 0, longest, false
  local stored = get(KEYS[1])
  if stored then
    local finish, admitted
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
    end
  end

  -- [decision]
  local rate = ARGV[2] + 0
  local after = count + ARGV[1]
  local allowed = after <= rate
  if allowed then
    count = after
  end

  -- [commit]
  if allowed or clamped then
    set(KEYS[1], string.format('%.0f %.0f', now + left, count), 'PX', math.ceil(left / 1000) + grace)
  end

  -- [reply]
  if (rate + 1) * (period + 1) <= 9007199254740992 then
    local packed = left * (rate + 1) + (count < rate and count or rate)
    return allowed and packed or -1 - packed
  end
  return {allowed and count or -1 - count, left}
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
