"""Whatever stands under a swarm's keys and whatever Redis replies, a request gets one answer."""

import pytest

from tests.store.asking import (
    HASH,
    NOW,
    WatchedRedis,
    a_plan,
    announce,
    browser,
    connected,
    find,
    ipv4,
    ipv6,
    replies_to,
    scrape,
    swarms_on,
)
from tests.store.fake_redis import fake_redis
from tracker.errors import Corrupt, Unavailable
from tracker.model import Counts, Family
from tracker.service.ports import Plan
from tracker.store.keys import COUNT, swarm_key
from tracker.store.swarms import RedisSwarms

OTHER = b"o" * 20


@pytest.mark.parametrize("family", [Family.IPV4, Family.IPV6])
async def test_a_swarm_of_another_type_fails_alone_and_is_left_alone(
    swarms: RedisSwarms, redis: WatchedRedis, family: Family
) -> None:
    key = swarm_key(family, HASH)
    await replies_to(redis, "SET", key, "x")
    for make in (ipv4, ipv6):
        with pytest.raises(Corrupt, match=f"{HASH.hex()}.*another type"):
            await announce(swarms, a_plan(make(1)))
    with pytest.raises(Corrupt):
        await scrape(swarms)
    view = await announce(swarms, a_plan(ipv4(1), info_hash=OTHER))
    assert Counts(0, 0, 1) == view.counts
    assert [b"string"] == await replies_to(redis, "TYPE", key)
    await replies_to(redis, "DEL", key)
    recovered = await announce(swarms, a_plan(ipv4(2)))
    assert 2 == recovered.counts.leechers  # with the one of the other family


@pytest.mark.parametrize(
    ("score", "completed"),
    [("0.5", 0), (-7, 0), (7, 7)],
)
async def test_a_damaged_count_of_completed_downloads_does_not_cost_the_answer(
    swarms: RedisSwarms, redis: WatchedRedis, score: str | int, completed: int
) -> None:
    await replies_to(redis, "ZADD", swarm_key(Family.IPV4, HASH), score, COUNT)
    assert Counts(0, completed, 1) == (await announce(swarms, a_plan(ipv4(1)))).counts
    assert [Counts(0, completed, 1)] == await scrape(swarms)


NIL, TEXT, NUMBER = b"$-1\r\n", b"$3\r\nabc\r\n", b":1\r\n"
NOBODY, NEGATIVE, HUGE = b"*0\r\n", b":-5\r\n", b":9223372036854775807\r\n"
OK = b":1\r\n:1\r\n"  # to ZADD, and to EXPIRE
PLAN = a_plan(browser(1), full=False)
COUNTING = a_plan(browser(1), full=False, want=0)


@pytest.mark.parametrize(
    ("plan", "replies"),
    [
        (PLAN, OK + NIL + NOBODY),
        (PLAN, OK + NOBODY + NIL),
        (PLAN, OK + NUMBER + NUMBER),
        (COUNTING, OK + NIL + NUMBER),
        (COUNTING, OK + TEXT + TEXT),
        (COUNTING, OK + NOBODY + NOBODY),
        (COUNTING, OK + NEGATIVE + NUMBER),
        (COUNTING, OK + HUGE + NUMBER),
    ],
)
async def test_replies_of_a_wrong_shape_are_one_clear_error(plan: Plan, replies: bytes) -> None:
    async with fake_redis(replies) as url, connected(url) as redis:
        with pytest.raises(Corrupt, match=f"{HASH.hex()}.*wrong shape"):
            await announce(swarms_on(redis), plan)


@pytest.mark.parametrize("number", [b",200.5\r\n", b",inf\r\n", b",nan\r\n"])
async def test_numbers_of_another_type_are_not_remembered(number: bytes) -> None:
    async with fake_redis(OK + number * 2) as url, connected(url) as redis:
        swarms = swarms_on(redis)
        for plan in COUNTING, PLAN, COUNTING, PLAN:
            with pytest.raises(Corrupt, match="wrong shape"):
                await announce(swarms, plan)


@pytest.mark.parametrize(
    "row", [each * 6 for each in (NIL, TEXT, NOBODY, NEGATIVE, HUGE, b",inf\r\n")]
)
async def test_scrapes_of_a_wrong_shape_are_one_clear_error(row: bytes) -> None:
    async with fake_redis(row) as url, connected(url) as redis:
        with pytest.raises(Corrupt, match="wrong shape"):
            await scrape(swarms_on(redis))


@pytest.mark.parametrize("reply", [TEXT, NOBODY, b"$3\r\nnan\r\n" + TEXT])
async def test_browsers_found_in_a_wrong_shape_are_one_clear_error(reply: bytes) -> None:
    async with fake_redis(reply * 2) as url, connected(url) as redis:
        with pytest.raises(Corrupt, match=f"{HASH.hex()}.*wrong shape"):
            await find(swarms_on(redis), [browser(1), browser(2)])


@pytest.mark.parametrize("garbage", [b"garbage\r\n", b"*-7\r\n", b"$9999999999999999999\r\n"])
async def test_bytes_that_are_no_reply_fail_all_that_wait(garbage: bytes) -> None:
    async with fake_redis(garbage) as url, connected(url) as redis:
        with pytest.raises(Unavailable):
            await announce(swarms_on(redis), a_plan(browser(1)), NOW)
