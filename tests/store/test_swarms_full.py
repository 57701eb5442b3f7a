"""Announces while Redis runs out of memory: answered in any case."""

from collections.abc import Callable

import pytest

from tests.redis_clusters import on_all_kinds
from tests.redis_servers import RedisServer
from tests.store.asking import (
    HASH,
    MEMBERS,
    NOW,
    WatchedRedis,
    a_plan,
    announce,
    ipv4,
    replies_to,
    scrape,
)
from tracker.metrics import Metrics
from tracker.model import Counts, Family
from tracker.policy.crowds import ENTER, IGNORE, REFRESH, Entry
from tracker.store.headroom import Headroom
from tracker.store.keys import swarm_key
from tracker.store.swarms import RedisSwarms

pytestmark = on_all_kinds

FILLER = b"filler{:" + HASH + b"}"


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def headroom(redis: WatchedRedis, metrics: Metrics) -> Headroom:
    return Headroom(redis, 0.9, metrics)


@pytest.fixture
def swarms(redis: WatchedRedis, headroom: Headroom) -> RedisSwarms:
    return RedisSwarms(redis, headroom, ttl_s=2700)


def on_primary_of_hash(redis: WatchedRedis) -> bytes:
    """Another info_hash on that primary."""
    primary = redis.primary(swarm_key(Family.IPV4, HASH))
    hashes = (number.to_bytes(20, "big") for number in range(1000))
    return next(each for each in hashes if redis.primary(swarm_key(Family.IPV4, each)) is primary)


async def limit(redis: WatchedRedis, server: RedisServer, share: float, policy: str) -> None:
    """Set maxmemory so that `share` of it is used on the primary of `HASH`."""
    used = 0
    for primary in redis.primaries():
        (info,) = await replies_to(primary, "INFO", "memory")
        assert isinstance(info, bytes)
        lines = dict(line.split(":", 1) for line in info.decode().splitlines() if ":" in line)
        used = max(used, int(lines["used_memory"]))
    server.configure("maxmemory-policy", policy)
    server.configure("maxmemory", str(int(used / share)))


@pytest.mark.parametrize("entry", [REFRESH, IGNORE])
@pytest.mark.parametrize("make", MEMBERS)
async def test_a_stranger_that_may_not_enter_is_answered(
    swarms: RedisSwarms, entry: Entry, make: Callable[[int], bytes]
) -> None:
    await announce(swarms, a_plan(make(1)))
    view = await announce(swarms, a_plan(make(2), entry=entry))
    assert ([make(1)], False, 1) == (view.own.leechers, view.new, view.counts.leechers)


@pytest.mark.parametrize(("entry", "alive"), [(ENTER, 1), (REFRESH, 1), (IGNORE, 0)])
async def test_a_member_is_refreshed_unless_it_is_ignored(
    swarms: RedisSwarms, redis: WatchedRedis, entry: Entry, alive: int
) -> None:
    await announce(swarms, a_plan(ipv4(1)))
    view = await announce(swarms, a_plan(ipv4(1), entry=entry, seeding=True), NOW + 2000)
    assert not view.new
    assert [alive] == [counts.seeders for counts in await scrape(swarms, now_s=NOW + 4000)]


async def test_an_ignored_swarm_is_not_created_and_has_no_expiry_to_extend(
    swarms: RedisSwarms, redis: WatchedRedis
) -> None:
    for entry in (REFRESH, IGNORE):
        await announce(swarms, a_plan(ipv4(1), entry=entry))
    assert [0] == await replies_to(redis, "EXISTS", swarm_key(a_plan(ipv4(1)).family, HASH))


async def test_near_the_limit_members_are_refreshed_and_join_swarms_but_create_none(
    swarms: RedisSwarms,
    redis: WatchedRedis,
    redis_server: RedisServer,
    headroom: Headroom,
    metrics: Metrics,
) -> None:
    await announce(swarms, a_plan(ipv4(1)))
    await replies_to(redis, "SET", FILLER, bytes(16 << 20))  # what connections need is little now
    await limit(redis, redis_server, 0.92, "volatile-lfu")
    try:
        assert {"scarce": 1} == await headroom.run_once()
        view = await announce(swarms, a_plan(ipv4(2)))
        assert ([ipv4(1)], True) == (view.own.leechers, view.new)
        await announce(swarms, a_plan(ipv4(1)))
        other = on_primary_of_hash(redis)
        assert Counts(0, 0, 0) == (await announce(swarms, a_plan(ipv4(1), info_hash=other))).counts
        assert [Counts(0, 0, 2), Counts(0, 0, 0)] == await scrape(swarms, [HASH, other])
        assert 3 == metrics.refused["entries", "redis"]
        await limit(redis, redis_server, 0.97, "volatile-lfu")
        await headroom.run_once()
        view = await announce(swarms, a_plan(ipv4(3)))
        assert (2, False) == (len(view.own.leechers), view.new)
        assert [Counts(0, 0, 2)] == await scrape(swarms)
    finally:
        redis_server.configure("maxmemory", "0")
    assert {"scarce": 0} == await headroom.run_once()
    assert (await announce(swarms, a_plan(ipv4(1), info_hash=other))).new


async def test_when_redis_refuses_writes_announces_are_answered_and_then_ask_for_none(
    swarms: RedisSwarms, redis: WatchedRedis, redis_server: RedisServer, headroom: Headroom
) -> None:
    await announce(swarms, a_plan(ipv4(1)))
    redis_server.configure("maxmemory-policy", "noeviction")
    redis_server.configure("maxmemory", "1")
    try:
        redis.forget()
        for trips in (2, 3):  # the first one learns it
            view = await announce(swarms, a_plan(ipv4(2)))
            assert ([ipv4(1)], Counts(0, 0, 1), False) == (
                view.own.leechers,
                view.counts,
                view.new,
            )
            assert trips == redis.round_trips
        assert headroom.exhausted
        await headroom.run_once()
        assert headroom.exhausted
        view = await announce(swarms, a_plan(ipv4(1), leaving=True, want=0))
        assert Counts(0, 0, 0) == view.counts
    finally:
        redis_server.configure("maxmemory", "0")
    await headroom.run_once()
    assert (await announce(swarms, a_plan(ipv4(2)))).new
