"""What most tests here start with."""

from collections.abc import Iterator

import pytest

from tests.cluster.fleet import Fleet, running_fleet
from tests.redis_servers import StartRedis


@pytest.fixture
def fleet(start_redis: StartRedis) -> Iterator[Fleet]:
    """Three frontends over an empty Redis, which soon miss one that is dead."""
    soon = ("--cluster-heartbeat", "0.5", "--cluster-dead-after", "2")
    with running_fleet(start_redis().url, 3, *soon) as running:
        yield running
