"""The clock of the cluster: that of Redis, so that the clocks of machines need not agree.

Heartbeats, reaping of dead frontends, statistics, the rotation of secrets, the facts of frontends,
and the age of browsers' sockets go by it. Peers' expiries in swarms go by the clock of the frontend
that wrote them, since asking would cost a round trip for each announce. With 60 s between two
machines' clocks a peer is then forgotten up to 60 s early or late, which is harmless: peers return
every 1800 s and are kept for 2700 s, browsers every 120 s and for 300 s. After a loss of data, the
interval in which peers are asked to return early ends up to 60 s early or late.
"""

import math
from collections.abc import Awaitable, Callable
from typing import TypeAlias, cast

from tracker.clock import steady_us
from tracker.errors import Unavailable
from tracker.store.keys import FRONTENDS
from tracker.store.resp import command
from tracker.store.topology import Redis

Now: TypeAlias = Callable[[], Awaitable[int]]  # Unix seconds

SECOND_US = 1_000_000
LATEST_S = 2**40  # a later time is not valid
DRIFT = 1e-4  # seconds per second, by which two clocks may drift apart


async def redis_time(redis: Redis) -> int:
    """Return Unix seconds by the clock of the primary that has the registry of frontends.

    Raises:
        Unavailable: Redis is unreachable, or does not return its time.
    """
    return await _redis_time_us(redis) // SECOND_US


class RedisClock:
    """The time of Redis, asked for or computed from this machine's clock.

    Each call learns how far Redis is ahead of this machine, with an error of at most half a round
    trip. A slow round trip does not replace a better estimate, unless the two contradict each other
    because a clock was set or another primary took over. Before the first call succeeds, `at`
    returns the time of this machine.

    Args:
        redis: the server or cluster.
        local_us: this machine's Unix time in microseconds; it never goes back.
    """

    def __init__(self, redis: Redis, local_us: Callable[[], int] = steady_us) -> None:
        self._redis = redis
        self.local_us = local_us
        self._ahead_us = 0  # of Redis
        self._error_us = math.inf  # the largest that `_ahead_us` had when it was learned
        self._learned_us = 0  # when that was, by this machine's clock

    async def __call__(self) -> int:
        """Ask Redis; return Unix seconds.

        Raises:
            Unavailable: as `redis_time`.
        """
        asked_us = self.local_us()
        now_us = await _redis_time_us(self._redis)
        self._learn(now_us, asked_us, self.local_us())
        return now_us // SECOND_US

    def _learn(self, now_us: int, asked_us: int, answered_us: int) -> None:
        """Use one round trip, if its estimate is better than the known one or contradicts it."""
        ahead_us = now_us - (asked_us + answered_us) // 2
        error_us = (answered_us - asked_us) / 2
        known_us = self._error_us + (answered_us - self._learned_us) * DRIFT
        if error_us <= known_us or abs(ahead_us - self._ahead_us) > error_us + known_us:
            self._ahead_us, self._error_us = ahead_us, error_us
            self._learned_us = answered_us

    def at(self, local_us: int) -> int:
        """Return the time of Redis at a time of `local_us`; Unix microseconds."""
        return max(0, local_us + self._ahead_us)


async def _redis_time_us(redis: Redis) -> int:
    """Return Unix microseconds.

    Raises:
        Unavailable: as `redis_time`.
    """
    (reply,) = await redis.primary(FRONTENDS).ask(command("TIME"), 1)
    try:
        seconds, microseconds = map(int, cast(list[bytes], reply))
    except (TypeError, ValueError) as error:
        raise Unavailable("Redis does not return its time") from error
    if not (0 <= seconds <= LATEST_S and 0 <= microseconds < SECOND_US):
        raise Unavailable("Redis does not return its time")
    return seconds * SECOND_US + microseconds
