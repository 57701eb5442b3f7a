"""What a census tells beside the totals: the largest swarms, and how busy the frontends are."""

import pytest

from tests.store.asking import NOW, WatchedRedis, a_plan, announce_all, at, browser, ipv4, ipv6
from tracker.model import Facts, FrontendId, Snapshot, SwarmSize
from tracker.store import census as module
from tracker.store.census import Census
from tracker.store.frontends import Frontends
from tracker.store.keys import facts_key
from tracker.store.resp import command
from tracker.store.swarms import RedisSwarms

DEAD_AFTER_S = 15
A, B = b"frontenA", b"frontenB"


@pytest.fixture
def census(redis: WatchedRedis) -> Census:
    return Census(redis)


def info_hash(number: int) -> bytes:
    return number.to_bytes(20, "big")


# -- the largest swarms ------------------------------------------------------------------------


async def test_the_largest_swarms_come_first_and_both_ip_families_are_one_swarm(
    census: Census, swarms: RedisSwarms
) -> None:
    mixed, plain, browsers = map(info_hash, range(3))
    await announce_all(
        swarms,
        [
            *(a_plan(ipv4(n), info_hash=mixed, seeding=n == 0) for n in range(3)),
            *(a_plan(ipv6(n), info_hash=mixed, seeding=n == 0) for n in range(2)),
            *(a_plan(ipv4(n), info_hash=plain) for n in range(4)),
            *(a_plan(browser(n), info_hash=browsers) for n in range(2)),
            a_plan(browser(9), info_hash=mixed, seeding=True),
        ],
    )
    assert [
        SwarmSize(mixed, False, 2, 3),
        SwarmSize(plain, False, 0, 4),
        SwarmSize(browsers, True, 0, 2),
        SwarmSize(mixed, True, 1, 0),
    ] == (await census.take(NOW, 10)).top


@pytest.mark.parametrize("top", [0, 1, 3])
async def test_no_more_are_named_than_asked_for_and_those_are_the_largest(
    census: Census, swarms: RedisSwarms, monkeypatch: pytest.MonkeyPatch, top: int
) -> None:
    monkeypatch.setattr(module, "LEAST_KEPT", 3)
    plans = [
        a_plan(member(peer), info_hash=info_hash(swarm))
        for swarm in range(20)
        for peer in range(swarm + 1)
        for member in (ipv4, ipv6)
    ]
    await announce_all(swarms, plans)
    expected = [SwarmSize(info_hash(n), False, 0, 2 * (n + 1)) for n in range(19, 19 - top, -1)]
    assert expected == (await census.take(NOW, top)).top


# -- how busy the frontends are ----------------------------------------------------------------


class Beating:
    """Frontends that give a sign of life whenever a test wants."""

    def __init__(self, redis: WatchedRedis) -> None:
        self._redis = redis

    async def __call__(self, frontend: FrontendId, second: int, **requests: int) -> None:
        """Started at `NOW`, answered so many requests until `second`."""
        facts = Facts("1.0", "here", 7, NOW, float(second), {}, requests, 0, 0, None)
        await Frontends(self._redis, frontend, DEAD_AFTER_S, at(second)).beat(facts)


@pytest.fixture
def beat(redis: WatchedRedis) -> Beating:
    return Beating(redis)


async def published(census: Census, now_s: int) -> Snapshot:
    """A count, published as the job does."""
    snapshot = await census.take(now_s, 0)
    await census.publish(snapshot, token=1, ttl_s=60)
    return snapshot


async def test_rates_are_of_the_time_since_the_last_count_whoever_made_it(
    census: Census, beat: Beating, redis: WatchedRedis
) -> None:
    await beat(A, NOW + 10, http=1000)
    await beat(B, NOW + 10, udp=10)
    first = await published(census, NOW + 10)
    assert (2, {"http": 100.0, "udp": 1.0}) == (first.frontends, first.rates)
    await beat(A, NOW + 20, http=1020)
    await beat(B, NOW + 20, udp=50, http=10)
    second = await published(Census(redis), NOW + 20)
    assert {"http": 3.0, "udp": 4.0} == second.rates
    assert {"http": 1.0, "udp": 4.0} == second.activity[B].rates


async def test_frontends_that_come_and_go_make_no_leap(census: Census, beat: Beating) -> None:
    await beat(A, NOW + 10, http=1000)
    await published(census, NOW + 10)
    await beat(B, NOW + 30, http=60)
    found = await published(census, NOW + 30)
    assert (1, {"http": 2.0}, [B]) == (found.frontends, found.rates, [*found.activity])


async def test_a_frontend_that_tells_nothing_we_know_is_counted_without_a_rate(
    census: Census, beat: Beating, redis: WatchedRedis
) -> None:
    await beat(A, NOW, http=1)
    await redis.ask(facts_key(A), command("DEL", facts_key(A)), 1)
    found = await census.take(NOW, 0)
    assert (1, {}, {}) == (found.frontends, found.rates, found.activity)
