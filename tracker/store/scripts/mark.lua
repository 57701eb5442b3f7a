-- Reads a mark of the data; puts one there where there is none. Also while Redis is full: see
-- `scripts`.
--
-- KEYS[1]  where it is
-- ARGV[1]  the mark to put there
-- ARGV[2]  seconds that it shall live from now on
-- ARGV[3]  bytes to read at most
-- Reply    the mark that is there
if redis.call('EXPIRE', KEYS[1], ARGV[2]) == 0 then  -- a write, whatever it finds
  redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
end
return redis.call('GETRANGE', KEYS[1], 0, ARGV[3])
