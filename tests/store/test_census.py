import asyncio

import pytest
from structlog.testing import capture_logs

from tests.redis_servers import RedisServer
from tests.store.asking import (
    HASH,
    MEMBERS,
    NOW,
    TTL_S,
    WatchedRedis,
    a_plan,
    announce_all,
    browser,
    ipv4,
    ipv6,
    replies_to,
)
from tracker.errors import Superseded, Unavailable
from tracker.model import Activity, Family, Snapshot, SwarmSize, Totals
from tracker.service.ports import Plan
from tracker.store.census import SNAPSHOT, Census
from tracker.store.keys import FRONTENDS, STATISTICS, swarm_key
from tracker.store.swarms import RedisSwarms

NOTHING = Totals(NOW, *[0] * 8)
SOME = Snapshot(
    totals=Totals(NOW, 1, 2, 3, 4, 5, 6, 7, 8),
    frontends=2,
    rates={"http": 1.5},
    activity={b"\xfffront\x00d": Activity(NOW + 0.25, {"http": 9}, {"http": 1.5})},
    top=[SwarmSize(b"\xff" * 20, True, 3, 4)],
)
OTHER = SOME._replace(frontends=3)


@pytest.fixture
def census(redis: WatchedRedis) -> Census:
    return Census(redis)


async def counted(census: Census, now_s: int = NOW) -> Totals:
    """The totals alone."""
    return (await census.take(now_s, 0)).totals


def info_hash(number: int) -> bytes:
    return number.to_bytes(20, "big")


async def test_an_empty_store_has_nothing(census: Census) -> None:
    assert NOTHING == await counted(census)


@pytest.mark.parametrize(
    ("plans", "expected"),
    [
        ([a_plan(ipv4(1), seeding=True)], {"swarms": 1, "ipv4_seeders": 1}),
        ([a_plan(ipv6(1))], {"swarms": 1, "ipv6_leechers": 1}),
        ([a_plan(browser(1), seeding=True)], {"browser_swarms": 1, "browser_seeders": 1}),
        (
            [a_plan(ipv4(1)), a_plan(ipv6(1)), a_plan(ipv6(2), seeding=True)],
            {"swarms": 1, "ipv4_leechers": 1, "ipv6_leechers": 1, "ipv6_seeders": 1},
        ),
        (
            [a_plan(member(1), info_hash=info_hash(n)) for n, member in enumerate(MEMBERS)],
            {
                "swarms": 2,
                "browser_swarms": 1,
                "ipv4_leechers": 1,
                "ipv6_leechers": 1,
                "browser_leechers": 1,
            },
        ),
        ([a_plan(ipv4(1), completed=True, seeding=True)], {"swarms": 1, "ipv4_seeders": 1}),
    ],
    ids=["a seeder", "IPv6", "a browser", "both IP families", "three swarms", "completed"],
)
async def test_peers_and_swarms_are_counted_by_family_and_role(
    census: Census, swarms: RedisSwarms, plans: list[Plan], expected: dict[str, int]
) -> None:
    await announce_all(swarms, plans)
    assert NOTHING._replace(**expected) == await counted(census)


async def test_the_dead_are_not_counted(census: Census, swarms: RedisSwarms) -> None:
    await announce_all(swarms, [a_plan(ipv4(1)), a_plan(ipv6(1))])
    await announce_all(swarms, [a_plan(ipv6(2))], now_s=NOW + 10)
    last = NOW + TTL_S + 9
    assert Totals(last, 1, 0, 0, 0, 0, 1, 0, 0) == await counted(census, last)
    last += 1
    assert NOTHING._replace(counted_at=last) == await counted(census, last)


async def test_other_keys_are_not_counted(census: Census, redis_server: RedisServer) -> None:
    with redis_server.client() as client:
        client.set(b"4" + HASH, "not a sorted set")
        client.zadd(b"4 too short", {"x": NOW + 10})
        client.zadd(b"x" + HASH, {"x": NOW + 10})
    assert NOTHING == await counted(census)


async def test_many_swarms_are_counted(census: Census, swarms: RedisSwarms) -> None:
    plans = [a_plan(ipv4(n), info_hash=info_hash(n), seeding=n % 3 == 0) for n in range(1000)]
    await announce_all(swarms, plans)
    assert Totals(NOW, 1000, 0, 334, 666, 0, 0, 0, 0) == await counted(census)


async def test_a_snapshot_is_published_to_all_for_a_time(
    census: Census, redis_server: RedisServer
) -> None:
    await census.publish(OTHER, token=1, ttl_s=1000)
    await census.publish(SOME, token=1, ttl_s=60)
    assert SOME == await census.published()
    with redis_server.client() as client:
        assert 55 <= client.ttl(STATISTICS) <= 60


async def test_who_was_superseded_publishes_nothing(census: Census) -> None:
    await census.publish(SOME, token=2, ttl_s=60)
    with pytest.raises(Superseded):
        await census.publish(OTHER, token=1, ttl_s=60)
    assert SOME == await census.published()


async def test_without_a_snapshot_there_is_none(census: Census) -> None:
    assert await census.published() is None


@pytest.mark.parametrize("data", [b"\x91\x01", b"", b"\xc1", b"not MessagePack"])
async def test_a_snapshot_of_another_version_is_none(
    census: Census, redis: WatchedRedis, data: bytes
) -> None:
    await census.publish(SOME, token=1, ttl_s=60)
    await replies_to(redis, "HSET", STATISTICS, SNAPSHOT, data)
    assert await census.published() is None
    assert NOTHING == await counted(census)
    await census.publish(SOME, token=1, ttl_s=60)
    assert SOME == await census.published()


async def test_a_cancelled_count_harms_nobody(census: Census) -> None:
    counting = asyncio.create_task(counted(census))
    await asyncio.sleep(0)
    counting.cancel()
    assert NOTHING == await counted(census)


async def test_a_redis_that_goes_away_is_told(census: Census, redis_server: RedisServer) -> None:
    redis_server.pause()
    counting = asyncio.create_task(counted(census))
    await asyncio.sleep(0)
    redis_server.kill()
    with pytest.raises(Unavailable):
        await counting


async def test_a_key_of_another_type_does_not_stop_the_count(
    swarms: RedisSwarms, census: Census, redis: WatchedRedis
) -> None:
    other = bytes(20)
    await announce_all(swarms, [a_plan(ipv6(1)), a_plan(ipv6(1), info_hash=other)])
    await replies_to(redis, "DEL", swarm_key(Family.IPV4, HASH))
    await replies_to(redis, "SET", swarm_key(Family.IPV4, HASH), "x")
    await replies_to(redis, "SET", FRONTENDS, "x")
    await replies_to(redis, "SET", STATISTICS, "x")
    totals = await counted(census)
    assert (2, 2) == (totals.swarms, totals.ipv6_leechers)
    assert await census.published() is None


@pytest.mark.parametrize("data", [b"garbage", b"\x91" * 100_000, b"\xdd\xff\xff\xff\xff"])
async def test_damaged_numbers_are_none(census: Census, redis: WatchedRedis, data: bytes) -> None:
    await replies_to(redis, "HSET", STATISTICS, "snapshot", data)
    with capture_logs() as logs:
        assert await census.published() is None
    assert ["tracker:statistics"] == [entry["key"] for entry in logs]
