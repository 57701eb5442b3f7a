import asyncio

import pytest

from tests.redis_servers import RedisServer
from tests.store.asking import (
    HASH,
    MEMBERS,
    NOW,
    TTL_S,
    WatchedPipeline,
    a_plan,
    announce_all,
    browser,
    ipv4,
    ipv6,
    replies_to,
)
from tracker.errors import Unavailable
from tracker.model import Totals
from tracker.service.ports import Plan
from tracker.store import census as module
from tracker.store.census import Census
from tracker.store.keys import STATISTICS
from tracker.store.swarms import RedisSwarms

NOTHING = Totals(NOW, *[0] * 8)
SOME = Totals(NOW, 1, 2, 3, 4, 5, 6, 7, 8)


@pytest.fixture
def census(pipeline: WatchedPipeline) -> Census:
    return Census(pipeline)


def info_hash(number: int) -> bytes:
    return number.to_bytes(20, "big")


async def test_an_empty_store_has_nothing(census: Census) -> None:
    assert NOTHING == await census.count(NOW)


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
    assert NOTHING._replace(**expected) == await census.count(NOW)


async def test_the_dead_are_not_counted(census: Census, swarms: RedisSwarms) -> None:
    await announce_all(swarms, [a_plan(ipv4(1)), a_plan(ipv6(1))])
    await announce_all(swarms, [a_plan(ipv6(2))], now_s=NOW + 10)
    last = NOW + TTL_S + 9
    assert Totals(last, 1, 0, 0, 0, 0, 1, 0, 0) == await census.count(last)
    last += 1
    assert NOTHING._replace(counted_at=last) == await census.count(last)


async def test_other_keys_are_not_counted(census: Census, redis_server: RedisServer) -> None:
    with redis_server.client() as client:
        client.set(b"4" + HASH, "not a sorted set")
        client.zadd(b"4 too short", {"x": NOW + 10})
        client.zadd(b"x" + HASH, {"x": NOW + 10})
    assert NOTHING == await census.count(NOW)


async def test_many_swarms_are_counted_in_small_steps(
    census: Census,
    swarms: RedisSwarms,
    pipeline: WatchedPipeline,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "PAUSE_S", 0)
    plans = [a_plan(ipv4(n), info_hash=info_hash(n), seeding=n % 3 == 0) for n in range(1000)]
    await announce_all(swarms, plans)
    pipeline.forget()
    assert Totals(NOW, 1000, 0, 334, 666, 0, 0, 0, 0) == await census.count(NOW)
    assert pipeline.round_trips >= 2 * 1000 / (2 * module.STEP)


async def test_totals_are_published_to_all_for_a_time(
    census: Census, redis_server: RedisServer
) -> None:
    await census.publish(NOTHING, 60)
    await census.publish(SOME, 60)
    assert SOME == await census.published()
    with redis_server.client() as client:
        assert 55 <= client.ttl(STATISTICS) <= 60


async def test_without_totals_there_are_none(census: Census) -> None:
    assert await census.published() is None


async def test_totals_of_another_version_are_none(
    census: Census, pipeline: WatchedPipeline
) -> None:
    await census.publish(SOME, 60)
    await replies_to(pipeline, "HSET", STATISTICS, "newer", 1)
    assert await census.published() is None
    await census.publish(SOME, 60)
    assert SOME == await census.published()


async def test_a_cancelled_count_harms_nobody(census: Census) -> None:
    counting = asyncio.create_task(census.count(NOW))
    await asyncio.sleep(0)
    counting.cancel()
    assert NOTHING == await census.count(NOW)


async def test_a_redis_that_goes_away_is_told(census: Census, redis_server: RedisServer) -> None:
    redis_server.pause()
    counting = asyncio.create_task(census.count(NOW))
    await asyncio.sleep(0)
    redis_server.kill()
    with pytest.raises(Unavailable):
        await counting
