-- Replaces a hash, unless a newer holder of the writer's lease has written it.
--
-- KEYS[1]  the hash; its field `fence` is the token of who wrote it last
-- ARGV[1]  the writer's token
-- ARGV[2]  seconds until the hash expires; 0: never
-- ARGV[3…] fields and values by turns
-- Reply    1, or 0: refused
local fence = tonumber(redis.call('HGET', KEYS[1], 'fence') or '0')
-- Tokens are hardly greater than the time in milliseconds: anything far beyond it is damage, and
-- would refuse all writers for ever.
local latest = (redis.call('TIME')[1] + 86400) * 1000
if fence and fence > tonumber(ARGV[1]) and fence < latest then
  return 0
end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'fence', ARGV[1])
for at = 3, #ARGV, 2 do  -- one by one: unpack has a bound
  redis.call('HSET', KEYS[1], ARGV[at], ARGV[at + 1])
end
if ARGV[2] ~= '0' then
  redis.call('EXPIRE', KEYS[1], ARGV[2])
end
return 1
