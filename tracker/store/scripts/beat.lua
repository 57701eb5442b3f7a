-- Registers a frontend as alive and returns all that are. Also while Redis is full: see `scripts`.
--
-- KEYS[1]  the registry, a sorted set
-- ARGV[1]  the frontend
-- ARGV[2]  the second at which it counts as dead
-- ARGV[3]  the second that it is now
-- ARGV[4]  how many to return at most
-- Reply    frontends and their scores by turns
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
return redis.call(
  'ZRANGEBYSCORE', KEYS[1], '(' .. ARGV[3], '+inf', 'WITHSCORES', 'LIMIT', 0, ARGV[4])
