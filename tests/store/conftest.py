"""Each kind of Redis, asked as the tracker does, and swarms in it."""

from collections.abc import AsyncIterator

import pytest

from tests.redis_servers import RedisServer
from tests.store.asking import WatchedRedis, connected, swarms_on
from tracker.store.swarms import RedisSwarms


@pytest.fixture
async def redis(redis_server: RedisServer) -> AsyncIterator[WatchedRedis]:
    """Connected."""
    async with connected(redis_server.url) as redis:
        yield redis


@pytest.fixture
def swarms(redis: WatchedRedis) -> RedisSwarms:
    """Empty, and seen by this process alone."""
    return swarms_on(redis)
