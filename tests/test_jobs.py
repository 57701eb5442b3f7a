"""The background jobs run where they are asked for, and leave their leases to others."""

import pytest

from tests.nodes import node_settings, until
from tests.redis_servers import RedisServer
from tracker.jobs import background_jobs
from tracker.metrics import Metrics
from tracker.store.census import Census


@pytest.mark.parametrize(
    ("secret", "jobs"),
    [
        (None, {"statistics", "burial", "access", "servers", "secrets"}),
        ("the same for all", {"statistics", "burial", "access", "servers"}),
    ],
)
async def test_they_run_and_others_can_take_over(
    redis_server: RedisServer, secret: str | None, jobs: set[str]
) -> None:
    settings = node_settings(udp={"secret": secret})
    for _ in range(2):  # the second would have to wait for a lease that was not given back
        metrics = Metrics()
        async with background_jobs(settings, redis_server.url, metrics) as redis:
            await until(lambda: {name for name, _ in metrics.jobs} == jobs)  # noqa: B023
            assert {"ok"} == {outcome for _, outcome in metrics.jobs}
            assert await Census(redis).published()


async def test_they_begin_when_redis_is_there(redis_server: RedisServer) -> None:
    redis_server.stop()
    metrics = Metrics()
    settings = node_settings(redis={"timeout": 0.2, "reconnect_max": 0.1}, workers={"lease": 1})
    async with background_jobs(settings, redis_server.url, metrics):
        assert {} == metrics.jobs
        redis_server.start()
        await until(lambda: metrics.jobs["statistics", "ok"] > 0)


async def test_what_is_no_redis_is_refused() -> None:
    with pytest.raises(ValueError, match="x"):
        async with background_jobs(node_settings(), "x://", Metrics()):
            pass
