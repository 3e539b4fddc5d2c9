-- What stands before and after a script's own text so that it decides on many requests, one after the
-- other, as if each had been sent alone. TIME is asked once for all of them; and for a script whose state
-- is one string, a key's is got once and set once.
--
-- KEYS     the keys of all requests, in order; those of equal requests that follow one another, once
-- ARGV     for each group of requests with the same arguments, in order: how many keys or tuples of keys
--          it has, how many requests each of these stands for, how many keys are a tuple, how many
--          arguments there are, and the arguments
--
-- Reply    1 and for each request its reply, if all are one integer; else -1 and for each request how many
--          integers its reply has, and these; -1 alone for an error

-- What is between the two halves uses these:
-- luacheck: ignore redis KEYS ARGV clock get set

-- [before]
local time
local function clock()
  time = time or redis.call('TIME')
  return time
end

-- What get and set hold back of the keys, and how long what is set is to live: milliseconds, or as it did.
local values, lives = {}, {}
local function get(key)
  local value = values[key]
  if value == nil then
    value = redis.call('GET', key)
    values[key] = value
  end
  return value
end
local function set(key, value, _, ms)
  values[key], lives[key] = value, ms or lives[key] or 'KEEPTTL'
end

local function decide(KEYS, ARGV)
-- [script]
end

local replies, whose, size, plain, key, at = {1}, {}, 1, true, 0, 1
while ARGV[at] do
  local tuples, times, width, args = ARGV[at] + 0, ARGV[at + 1] + 0, ARGV[at + 2] + 0, {}
  for i = 1, ARGV[at + 3] + 0 do
    args[i] = ARGV[at + 3 + i]
  end
  at = at + 4 + #args
  for _ = 1, tuples do
    local keys = {}
    for i = 1, width do
      keys[i] = KEYS[key + i]
    end
    key = key + width
    for _ = 1, times do
      local fine, reply = pcall(decide, keys, args)
      size = size + 1
      whose[size] = keys[1]
      replies[size] = fine and reply
      plain = plain and fine and type(reply) == 'number'
    end
  end
end

-- A key that can't be set has nothing of what its requests were told.
for held, life in pairs(lives) do
  local fine
  if life == 'KEEPTTL' then
    fine = pcall(redis.call, 'SET', held, values[held], 'KEEPTTL')
  else
    fine = pcall(redis.call, 'SET', held, values[held], 'PX', life)
  end
  if not fine then
    plain = false
    for i = 2, size do
      replies[i] = whose[i] ~= held and replies[i]
    end
  end
end
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
