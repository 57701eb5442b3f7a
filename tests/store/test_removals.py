"""Entries of browsers that left are removed, however many leave at once and whatever Redis does."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from tests.redis_servers import RedisServer
from tests.store.asking import (
    HASH,
    NOW,
    SETTINGS,
    WatchedRedis,
    a_plan,
    announce,
    browser,
    connected,
    scrape,
    swarms_on,
    until,
)
from tracker.metrics import Metrics
from tracker.model import Counts, Family, InfoHash
from tracker.settings import RedisSettings
from tracker.store.keys import swarm_key
from tracker.store.removals import MAX_MEMBERS, MAX_REQUESTS, Removals
from tracker.store.resp import command

TTL_S = 300
OTHER = bytes(range(20))
FEW = RedisSettings(timeout=2.0, reconnect_max=0.1, max_in_flight=8)


class Leaving:
    """A frontend that removes browsers."""

    def __init__(self, redis: WatchedRedis, settings: RedisSettings, ttl_s: int) -> None:
        self.redis, self.metrics = redis, Metrics()
        self.removals = Removals(redis, settings, ttl_s, self.metrics)

    async def enter(self, info_hash: InfoHash, numbers: Sequence[int]) -> None:
        """Enter browsers into a swarm."""
        key = swarm_key(Family.BROWSER, info_hash)
        for at in range(0, len(numbers), 1000):
            pairs = [(NOW + TTL_S, browser(number)) for number in numbers[at : at + 1000]]
            words = [word for pair in pairs for word in pair]
            await self.redis.ask(key, command("ZADD", key, *words), 1)

    async def count(self, info_hash: InfoHash = HASH) -> int:
        """How many browsers are in a swarm."""
        key = swarm_key(Family.BROWSER, info_hash)
        (size,) = await self.redis.ask(key, command("ZCARD", key), 1)
        assert isinstance(size, int)
        return size

    async def done(self) -> None:
        """Return once nothing waits."""
        await until(lambda: len(self.removals) == 0)


@asynccontextmanager
async def leaving_on(
    url: str, settings: RedisSettings = SETTINGS, ttl_s: int = TTL_S
) -> AsyncIterator[Leaving]:
    async with connected(url, settings) as redis:
        leaving = Leaving(redis, settings, ttl_s)
        yield leaving
        leaving.removals.close()


@pytest.fixture
async def leaving(redis_server: RedisServer) -> AsyncIterator[Leaving]:
    async with leaving_on(redis_server.url) as leaving:
        yield leaving


def gauge(leaving: Leaving) -> float | None:
    return leaving.metrics.registry().get_sample_value("tracker_removals")


async def test_a_browser_that_left_is_removed_and_others_stay(leaving: Leaving) -> None:
    await leaving.enter(HASH, range(3))
    await leaving.enter(OTHER, range(3))
    for _ in range(2):  # twice is once
        leaving.removals.add(HASH, browser(1))
    assert 1 == len(leaving.removals) == gauge(leaving)
    await leaving.done()
    assert (2, 3) == (await leaving.count(), await leaving.count(OTHER))


async def test_removals_of_one_swarm_share_requests(leaving: Leaving) -> None:
    await leaving.enter(HASH, range(MAX_MEMBERS + 1))
    before = leaving.redis.round_trips
    for number in range(MAX_MEMBERS + 1):
        leaving.removals.add(HASH, browser(number))
    await leaving.done()
    assert 2 == leaving.redis.round_trips - before
    assert 0 == await leaving.count()


async def test_forty_thousand_removals_at_once_need_little_room_in_flight(
    redis_server: RedisServer,
) -> None:
    hashes = [number.to_bytes(20, "big") for number in range(2000)]
    async with leaving_on(redis_server.url, FEW) as leaving:
        for info_hash in hashes:
            await leaving.enter(info_hash, range(20))
        for number in range(20):
            for info_hash in hashes:
                leaving.removals.add(info_hash, browser(number))
        assert 40_000 == len(leaving.removals)
        most = 0
        while len(leaving.removals):
            most = max(most, leaving.redis.in_flight)
            await asyncio.sleep(0)
        assert 0 < most <= FEW.max_in_flight // 4
        with redis_server.client() as client:
            assert 0 == client.dbsize()
        assert {} == leaving.metrics.store_errors


async def test_requests_in_flight_are_bounded(redis_server: RedisServer, leaving: Leaving) -> None:
    redis_server.pause()
    for number in range(2 * MAX_REQUESTS):
        leaving.removals.add(number.to_bytes(20, "big"), browser(1))
    await until(lambda: leaving.redis.in_flight > 0)
    await asyncio.sleep(0)
    assert MAX_REQUESTS == leaving.redis.in_flight
    redis_server.resume()
    await leaving.done()


async def test_removals_wait_while_redis_is_away(
    redis_server: RedisServer, leaving: Leaving
) -> None:
    await leaving.enter(HASH, range(10))
    redis_server.pause()
    for number in range(5):
        leaving.removals.add(HASH, browser(number))
    await until(lambda: leaving.redis.in_flight == 1)
    redis_server.kill()
    await until(lambda: not leaving.redis.up)
    for number in range(3, 7):  # some of them again
        leaving.removals.add(HASH, browser(number))
    await until(lambda: len(leaving.removals) == 7)
    redis_server.start()
    await leaving.redis.wait_up()
    await leaving.enter(HASH, range(10))
    await leaving.done()
    assert 3 == await leaving.count()


async def test_a_removal_is_given_up_when_the_entry_has_expired(redis_server: RedisServer) -> None:
    async with leaving_on(redis_server.url, ttl_s=0) as leaving:
        redis_server.kill()
        await until(lambda: not leaving.redis.up)
        for number in range(3):
            leaving.removals.add(HASH, browser(number))
        await leaving.done()
        assert 3 == leaving.metrics.store_errors["removal",]
        redis_server.start()


@pytest.mark.parametrize("in_flight", [False, True])
async def test_a_browser_that_returns_before_its_removal_is_sent_stays(
    redis_server: RedisServer, leaving: Leaving, in_flight: bool
) -> None:
    swarms = swarms_on(leaving.redis)
    await announce(swarms, a_plan(browser(1)))
    await announce(swarms, a_plan(browser(2)))
    for number in 1, 2:
        leaving.removals.add(HASH, browser(number))
    if in_flight:
        redis_server.pause()
        await until(lambda: leaving.redis.in_flight == 1)
    returned = asyncio.create_task(announce(swarms, a_plan(browser(1))))
    await asyncio.sleep(0)  # it is submitted
    leaving.removals.forget(HASH, browser(1))
    assert 1 == len(leaving.removals)
    redis_server.resume()
    await returned
    await leaving.done()
    assert [Counts(0, 0, 1)] == await scrape(swarms, family=Family.BROWSER)
    assert {browser(1)} == set((await announce(swarms, a_plan(browser(1)))).own.leechers)


async def test_a_removal_that_failed_is_not_retried_for_a_browser_that_returned(
    redis_server: RedisServer, leaving: Leaving
) -> None:
    redis_server.pause()
    for number in 1, 2:
        leaving.removals.add(HASH, browser(number))
    await until(lambda: leaving.redis.in_flight == 1)
    leaving.removals.forget(HASH, browser(1))
    redis_server.kill()
    await until(lambda: not leaving.redis.up)
    await until(lambda: leaving.redis.in_flight == 0)
    leaving.removals.add(OTHER, browser(3))
    leaving.removals.forget(OTHER, browser(3))
    redis_server.start()
    await leaving.redis.wait_up()
    await leaving.enter(HASH, [1, 2])
    await leaving.enter(OTHER, [3])
    await leaving.done()
    assert (1, 1) == (await leaving.count(), await leaving.count(OTHER))


async def test_more_removals_than_there_is_room_for_are_counted(
    leaving: Leaving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tracker.store.removals.MAX_WAITING", 2)
    for number in range(3):
        leaving.removals.add(HASH, browser(number))
    assert (2, 1) == (len(leaving.removals), leaving.metrics.store_errors["removal",])
    await leaving.done()
