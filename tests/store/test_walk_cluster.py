"""Counting and burying, and what else asks each primary, on a Redis Cluster."""

from collections.abc import AsyncIterator

import pytest

from tests.redis_clusters import RedisCluster
from tests.store.asking import (
    NOW,
    WatchedRedis,
    a_plan,
    announce_all,
    browser,
    connected,
    ipv4,
    ipv6,
    replies_to,
    swarms_on,
)
from tracker.model import SwarmSize, Totals
from tracker.settings import WorkersSettings
from tracker.store.burial import Burial
from tracker.store.census import Census
from tracker.store.history import History
from tracker.store.keys import FRONTENDS
from tracker.store.nodes import nodes

SWARMS = 60
FRONTEND = browser(1)[-8:]


@pytest.fixture
async def redis(redis_cluster: RedisCluster) -> AsyncIterator[WatchedRedis]:
    """A cluster's."""
    async with connected(redis_cluster.url) as redis:
        yield redis


def info_hash(number: int) -> bytes:
    return number.to_bytes(20, "big")


async def populate(redis: WatchedRedis) -> None:
    """Swarms on all primaries, each with a peer of each kind, the first with one more."""
    plans = [
        a_plan(member(1), info_hash=info_hash(swarm))
        for swarm in range(SWARMS)
        for member in (ipv4, ipv6, browser)
    ]
    await announce_all(swarms_on(redis), [*plans, a_plan(ipv4(2), info_hash=info_hash(0))])


async def test_swarms_of_all_primaries_are_counted_published_and_recorded(
    redis: WatchedRedis,
) -> None:
    await populate(redis)
    census, history = Census(redis), History(redis, WorkersSettings())
    snapshot = await census.take(NOW, 1)
    assert Totals(NOW, SWARMS, SWARMS, 0, SWARMS + 1, 0, SWARMS, 0, SWARMS) == snapshot.totals
    assert [SwarmSize(info_hash(0), False, 0, 3)] == snapshot.top
    await census.publish(snapshot, token=1, ttl_s=60)
    assert snapshot == await census.published()
    await history.record(snapshot)
    assert [SWARMS] == [point.swarms for point in await history.points()]


async def test_the_dead_are_buried_on_all_primaries(redis: WatchedRedis) -> None:
    await populate(redis)
    await replies_to(redis, "ZADD", FRONTENDS, NOW, FRONTEND)
    burial = Burial(redis)
    dead = await burial.dead(NOW)
    assert [FRONTEND] == dead
    assert SWARMS == await burial.remove_browsers(dead)
    assert 1 == await burial.forget(NOW)
    totals = (await Census(redis).take(NOW, 0)).totals
    assert (SWARMS, 0) == (totals.ipv6_leechers, totals.browser_swarms)


async def test_each_primary_tells_its_vitals(
    redis: WatchedRedis, redis_cluster: RedisCluster
) -> None:
    found = await nodes(redis)
    addresses = sorted(f"127.0.0.1:{node.port}" for node in redis_cluster.nodes)
    assert addresses == [node.address for node in found]
    assert ["master"] * 3 == [node.vitals and node.vitals.role for node in found]
