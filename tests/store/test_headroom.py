"""The memory of primaries, watched."""

import pytest
import structlog.testing
from msgspec.structs import replace

from tests.redis_clusters import on_all_kinds
from tests.redis_servers import RedisServer
from tests.store.asking import HASH, WatchedRedis, a_plan, ipv4
from tracker.metrics import Metrics
from tracker.model import Family
from tracker.policy.crowds import IGNORE
from tracker.store.headroom import Headroom
from tracker.store.keys import swarm_key

pytestmark = on_all_kinds

KEY = swarm_key(Family.IPV4, HASH)


@pytest.fixture
def headroom(redis: WatchedRedis) -> Headroom:
    return Headroom(redis, 0.9, Metrics())


async def test_a_server_without_a_limit_has_room_and_is_reported_once(
    headroom: Headroom, redis: WatchedRedis
) -> None:
    with structlog.testing.capture_logs() as logs:
        for _ in range(2):
            assert {"scarce": 0} == await headroom.run_once()
    assert not headroom.scarce
    found = [(entry["event"], entry["policy"]) for entry in logs]
    assert [("redis.eviction", "unlimited")] * len(redis.primaries()) == found


async def test_a_full_server_is_reported_once_and_so_is_its_recovery(
    headroom: Headroom, redis: WatchedRedis, redis_server: RedisServer
) -> None:
    redis_server.configure("maxmemory-policy", "volatile-lfu")
    redis_server.configure("maxmemory", "1")
    full = len([primary for primary in redis.primaries() if primary is redis.primary(KEY)])
    try:
        with structlog.testing.capture_logs() as logs:
            for _ in range(2):
                assert (await headroom.run_once())["scarce"] >= full
            redis_server.configure("maxmemory", "0")
            await headroom.run_once()
    finally:
        redis_server.configure("maxmemory", "0")
    found = [entry["room"] for entry in logs if entry["event"] == "redis.room"]
    assert {"none", "ample"} == set(found)
    assert found.count("none") == found.count("ample") <= len(redis.primaries())


async def test_a_refused_write_closes_its_primary_until_the_next_look(headroom: Headroom) -> None:
    plan = a_plan(ipv4(1))
    headroom.refused(KEY)
    assert headroom.scarce
    assert headroom.exhausted
    assert IGNORE is headroom.within(plan, KEY).entry
    leaving = replace(plan, leaving=True)
    assert leaving == headroom.within(leaving, KEY)
    await headroom.run_once()
    assert plan == headroom.within(plan, KEY)


async def test_a_server_that_is_away_counts_as_having_room(
    headroom: Headroom, redis: WatchedRedis
) -> None:
    headroom.refused(KEY)
    await redis.close()
    await headroom.run_once()
    assert not headroom.scarce
