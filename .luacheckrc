-- The Lua that every server has: 5.1's own libraries, and what Redis puts beside them.
std = "min"
read_globals = { "redis", "unpack" } -- Lua 5.2 has moved unpack, and no server has that
globals = { "KEYS", "ARGV" }
max_line_length = 120
