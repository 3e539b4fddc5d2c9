-- What stands before and after a script's own text so that it journals itself. KEYS[1] is the
-- script's key, or its first, and the last the journal's; ARGV ends with the call's number, which is no argument
-- of the script's.
--
-- An entry is "CALL NOW FOUND REPLY...": the call's number, the server's time in microseconds as the
-- script has read it, how many of its keys were there before, below 0 if the first was not, and the integers of
-- the reply. The reply gets two integers more: NOW and FOUND.

-- What is between the two halves uses these:
-- luacheck: ignore redis KEYS ARGV

-- [before]
local server, time, number, keys, own = redis, nil, ARGV[#ARGV], {}, {}
for i = 1, #KEYS - 1 do
  keys[i] = KEYS[i]
end
for i = 1, #ARGV - 1 do
  own[i] = ARGV[i]
end
local found = server.call('EXISTS', unpack(keys))
if found > 0 and found < #keys and server.call('EXISTS', keys[1]) == 0 then
  found = -found
end
local redis = setmetatable({
  call = function(command, ...)
    local reply = server.call(command, ...)
    if command == 'TIME' then
      time = reply
    end
    return reply
  end,
}, {__index = server})
local function decide(KEYS, ARGV)
-- [after]
end
local reply = decide(keys, own)
if type(reply) == 'table' and reply.err then
  return reply
end
if type(reply) ~= 'table' then
  reply = {reply}
end
time = time or redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local entry = string.format('%s %.0f %d', number, now, found)
for _, n in ipairs(reply) do
  entry = entry .. string.format(' %.0f', n)
end
server.call('RPUSH', KEYS[#KEYS], entry)
reply[#reply + 1] = now
reply[#reply + 1] = found
return reply
