"""A pipeline to each kind of Redis, and swarms on it."""

from collections.abc import AsyncIterator

import pytest

from tests.redis_servers import RedisServer
from tests.store.asking import WatchedPipeline, connected, swarms_on
from tracker.store.swarms import RedisSwarms


@pytest.fixture
async def pipeline(redis_server: RedisServer) -> AsyncIterator[WatchedPipeline]:
    """Connected."""
    async with connected(redis_server.url) as pipeline:
        yield pipeline


@pytest.fixture
def swarms(pipeline: WatchedPipeline) -> RedisSwarms:
    """Empty, and seen by this process alone."""
    return swarms_on(pipeline)
