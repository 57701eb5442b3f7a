-- Reads the ring of secrets; puts one there where there is none, or where it is damaged.
--
-- KEYS[1]  the hash with the ring
-- ARGV[1]  seconds that it shall live from now on
-- ARGV[2…] `previous`, `current`, `next` and `since` of the ring to put there
-- Reply    these four, of the ring that is there
local names = {'previous', 'current', 'next', 'since'}
local ring = redis.call('HMGET', KEYS[1], unpack(names))
local function is_secret(value)
  return value and #value == 32
end
local previous, current, following, since = unpack(ring)
local whole = previous and (previous == '' or is_secret(previous)) and is_secret(current)
  and is_secret(following) and since and #since <= 12 and string.match(since, '^%d+$')
if not whole then
  ring = {unpack(ARGV, 2)}
  redis.call('EXPIRE', KEYS[1], ARGV[1])  -- first: see `scripts`, about a full Redis
  for at, name in ipairs(names) do
    redis.call('HSET', KEYS[1], name, ring[at])
  end
end
redis.call('EXPIRE', KEYS[1], ARGV[1])
return ring
