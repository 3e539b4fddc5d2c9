-- What stands before and after a script's own text so that it decides on many requests, one after the
-- other, as if each had been sent alone. TIME is asked once for all of them.
--
-- KEYS     the keys of all requests, in order
-- ARGV     for each group of requests with the same arguments, in order: how many requests, how many
--          keys each has, how many arguments, and the arguments
--
-- Reply    for each request how many integers its reply has, and these; -1 alone for an error

-- What is between the two halves uses these:
-- luacheck: ignore redis KEYS ARGV clock

-- [before]
local time
local function clock()
  time = time or redis.call('TIME')
  return time
end
local function decide(KEYS, ARGV)
-- [script]
end
local replies, size, key, at = {}, 0, 0, 1
while ARGV[at] do
  local requests, width, args = ARGV[at] + 0, ARGV[at + 1] + 0, {}
  for i = 1, ARGV[at + 2] + 0 do
    args[i] = ARGV[at + 2 + i]
  end
  at = at + 3 + #args
  for _ = 1, requests do
    local keys = {}
    for i = 1, width do
      keys[i] = KEYS[key + i]
    end
    key = key + width
    local fine, reply = pcall(decide, keys, args)
    if not fine or type(reply) == 'table' and reply.err then
      size = size + 1
      replies[size] = -1
    elseif type(reply) == 'table' then
      replies[size + 1] = #reply
      for i = 1, #reply do
        replies[size + 1 + i] = reply[i]
      end
      size = size + 1 + #reply
    else
      replies[size + 1], replies[size + 2] = 1, reply
      size = size + 2
    end
  end
end
return replies
