"""Swarms in a real Redis, and a clock that stands still until it is moved."""

from collections.abc import AsyncIterator

import pytest

from tests.redis_servers import RedisServer
from tests.store.asking import NOW, connected, swarms_on
from tracker.store.swarms import RedisSwarms


class Clock:
    """Unix seconds, as they are set."""

    def __init__(self, now_s: int) -> None:
        self.now_s = now_s

    def __call__(self) -> int:
        """What time it is."""
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    """It is `NOW`."""
    return Clock(NOW)


@pytest.fixture
async def swarms(redis_server: RedisServer) -> AsyncIterator[RedisSwarms]:
    """Empty, on each kind of Redis in turn."""
    async with connected(redis_server.url) as redis:
        yield swarms_on(redis)
