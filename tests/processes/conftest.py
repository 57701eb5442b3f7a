"""Fixtures for tests of many processes."""

import pytest

from tests.redis_servers import RedisServer, StartRedis


@pytest.fixture
def redis_server(start_redis: StartRedis) -> RedisServer:
    """A Redis of one kind only: to processes it makes no difference."""
    return start_redis("debian")
