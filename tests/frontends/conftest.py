"""A tracker with default settings, and a Redis that all tests of the frontends share."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.nodes import RunningNode, running_node
from tests.redis_servers import RedisServer, redis_servers


@pytest.fixture(scope="session")
def _frontends_redis() -> Iterator[RedisServer]:
    with redis_servers() as start:
        yield start("debian")


@pytest.fixture
def redis(_frontends_redis: RedisServer) -> RedisServer:
    """An empty Redis; of one kind, since how the store speaks to it is not tested here."""
    _frontends_redis.renew()
    return _frontends_redis


@pytest.fixture
async def tracker(redis: RedisServer) -> AsyncIterator[RunningNode]:
    """A tracker with default settings, on all addresses and free ports."""
    async with running_node(redis.url) as running:
        yield running
