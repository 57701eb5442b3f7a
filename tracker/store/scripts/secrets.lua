-- Reads the ring of secrets; puts one there where there is none.
--
-- KEYS[1]  the hash with the ring
-- ARGV[1]  seconds that it shall live from now on
-- ARGV[2…] `previous`, `current`, `next` and `since` of the ring to put there
-- Reply    these four, of the ring that is there
local names = {'previous', 'current', 'next', 'since'}
local ring = redis.call('HMGET', KEYS[1], unpack(names))
for at = 1, #names do
  if not ring[at] then  -- none, or not a whole one
    ring = {unpack(ARGV, 2)}
    for each, name in ipairs(names) do
      redis.call('HSET', KEYS[1], name, ring[each])
    end
    break
  end
end
redis.call('EXPIRE', KEYS[1], ARGV[1])
return ring
