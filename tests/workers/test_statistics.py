import pytest

from tests.redis_servers import RedisServer
from tests.store.asking import NOW, a_plan, announce, connected, ipv4, swarms_on
from tracker.errors import Unavailable
from tracker.metrics import Metrics
from tracker.settings import RedisSettings
from tracker.store.census import Census
from tracker.store.keys import STATISTICS
from tracker.store.pipeline import Pipeline
from workers.statistics import PERIODS_KEPT, Statistics


async def test_a_run_counts_and_publishes_what_it_counted(redis_server: RedisServer) -> None:
    async with connected(redis_server.url) as pipeline:
        await announce(swarms_on(pipeline), a_plan(ipv4(1)))
        census = Census(pipeline)
        counts = await Statistics(census, lambda: NOW, period_s=30).run_once()
        published = await census.published()
    assert published is not None
    assert published._asdict() == counts
    assert (NOW, 1, 1) == (published.counted_at, published.swarms, published.ipv4_leechers)
    with redis_server.client() as client:
        assert 30 * PERIODS_KEPT - 5 <= client.ttl(STATISTICS) <= 30 * PERIODS_KEPT


async def test_a_run_without_redis_says_so() -> None:
    pipeline = Pipeline("unix:///nowhere/redis.sock", RedisSettings(), Metrics())
    with pytest.raises(Unavailable):
        await Statistics(Census(pipeline), lambda: NOW).run_once()
