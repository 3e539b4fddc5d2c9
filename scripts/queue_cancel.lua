-- queue_cancel.lua: gives back the place that queue.lua has given, if no later one has been taken since.
--
-- Send it once at most for a place. After a second time, another request may have lost the same place.
--
-- KEYS[1]  the queue's key
-- ARGV[1]  taken   the next free departure time after the place, as it is stored: free_us of queue.lua's reply,
--                  followed by "+" and free_part if that is not 0
-- ARGV[2]  before  the place's own departure time, in the same form
--
-- Reply    given_back  1, or 0 if a later place was taken, or the key holds something else
-- Writes   KEYS[1], a string, if the reply is 1: the place is the next one that is free
-- TTL      as it was

-- [decision]
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end

-- [commit]
redis.call('SET', KEYS[1], ARGV[2], 'KEEPTTL')

-- [reply]
return 1
