"""Swarms that are too large to be read whole: exact counts, and windows of live members."""

from collections.abc import Callable

import pytest

from tests.redis_clusters import on_all_kinds
from tests.redis_servers import RedisServer
from tests.store.asking import (
    MEMBERS,
    NOW,
    TTL_S,
    WatchedRedis,
    a_plan,
    announce,
    announce_all,
    browser,
    ipv4,
    ipv6,
    scrape,
    swarms_on,
)
from tracker.errors import Unavailable
from tracker.model import Counts, Family
from tracker.service.ports import Candidates, Member
from tracker.store.phrases import WHOLE
from tracker.store.reading import SAMPLE
from tracker.store.swarms import RedisSwarms
from tracker.store.topology import Redis

pytestmark = on_all_kinds

Make = Callable[[int], Member]

ME = 10**6  # the number of who asks; others have smaller ones

every_family = pytest.mark.parametrize("make", MEMBERS)


async def fill(redis: Redis, make: Make, seeders: range, leechers: range, now_s: int = NOW) -> None:
    """Let members join, from another process than the one that is looked at."""
    plans = [a_plan(make(number), seeding=True, want=0) for number in seeders]
    plans += [a_plan(make(number), want=0) for number in leechers]
    await announce_all(swarms_on(redis), plans, now_s)


async def seen_before(redis: Redis, make: Make, seeders: range, leechers: range) -> RedisSwarms:
    """A store that knows the size of a swarm, in which ME is a leecher."""
    await fill(redis, make, seeders, leechers)
    swarms = swarms_on(redis)
    for _ in range(2):  # the first may see no more than that it is large
        await announce(swarms, a_plan(make(ME)))
    return swarms


def members(make: Make, *numbers: range) -> set[Member]:
    return {make(number) for span in numbers for number in span}


def check_roles(found: Candidates, make: Make, seeders: range, leechers: range) -> None:
    """Nobody twice, nobody dead, everybody in the right role."""
    assert len(set(found.seeders)) == len(found.seeders)
    assert len(set(found.leechers)) == len(found.leechers)
    assert set(found.seeders) <= members(make, seeders) | {make(ME)}
    assert set(found.leechers) <= members(make, leechers) | {make(ME)}


@every_family
async def test_as_many_as_are_read_at_once_are_all_given(redis: WatchedRedis, make: Make) -> None:
    await fill(redis, make, range(WHOLE), range(100, 100 + WHOLE - 1))
    redis.forget()
    view = await announce(swarms_on(redis), a_plan(make(ME)))
    assert Counts(WHOLE, 0, WHOLE) == view.counts
    assert members(make, range(WHOLE)) == set(view.own.seeders)
    assert members(make, range(100, 100 + WHOLE - 1), range(ME, ME + 1)) == set(view.own.leechers)
    assert 1 == redis.round_trips


@every_family
@pytest.mark.parametrize("seeding", [False, True])
@pytest.mark.parametrize(("seeders", "leechers"), [(150, 10), (10, 150), (150, 150)])
async def test_counts_are_exact_at_first_sight_already(
    redis: WatchedRedis, make: Make, seeding: bool, seeders: int, leechers: int
) -> None:
    live = range(seeders), range(1000, 1000 + leechers)
    await fill(redis, make, *live)
    for once, last in ((False, False), (True, False), (False, True)):  # a download, and its end
        passing = a_plan(make(2000), want=0, completed=once, seeding=once, leaving=last)
        await announce(swarms_on(redis), passing)
    redis.forget()
    view = await announce(swarms_on(redis), a_plan(make(ME), seeding=seeding))
    assert Counts(seeders + seeding, 1, leechers + (not seeding)) == view.counts
    check_roles(view.own, make, *live)
    assert min(leechers, WHOLE) <= len(view.own.leechers)
    assert (0 if seeding else min(seeders, WHOLE)) <= len(view.own.seeders)
    assert redis.round_trips <= 2
    assert redis.longest <= WHOLE + 1


@pytest.mark.parametrize("want", [1, 50, 200])
@pytest.mark.parametrize(("seeders", "leechers"), [(900, 0), (0, 900), (500, 400), (3, 897)])
@pytest.mark.parametrize("seconds_apart", [0, 1])
async def test_a_large_swarm_is_never_read_whole_again(
    redis: WatchedRedis,
    want: int,
    seeders: int,
    leechers: int,
    seconds_apart: int,
) -> None:
    live = range(seeders), range(1000, 1000 + leechers)
    swarms = await seen_before(redis, ipv4, *live)
    redis.forget()
    for turn in range(10):
        now_s = NOW + 1 + turn * seconds_apart
        view = await announce(swarms, a_plan(ipv4(ME), want=want), now_s)
        assert Counts(seeders, 0, leechers + 1) == view.counts
        check_roles(view.own, ipv4, *live)
        assert want <= len(view.own.seeders) + len(view.own.leechers)
        assert turn + 1 == redis.round_trips
    assert redis.longest <= (want + 1 if seconds_apart else SAMPLE)


@every_family
async def test_a_seeder_of_a_large_swarm_is_given_as_many_leechers_as_it_wants(
    redis: WatchedRedis, make: Make
) -> None:
    live = range(300), range(1000, 1060)
    swarms = await seen_before(redis, make, *live)
    for _ in range(10):
        view = await announce(swarms, a_plan(make(0), seeding=True, want=50))
        assert () == tuple(view.own.seeders)
        assert 50 <= len(view.own.leechers)
        assert Counts(300, 0, 61) == view.counts


@pytest.mark.parametrize("seeding", [False, True])
async def test_everybody_is_given_at_some_time(redis: WatchedRedis, seeding: bool) -> None:
    """At any rank, the first and the last ones too."""
    live = range(100), range(1000, 1100)
    swarms = await seen_before(redis, ipv4, *live)
    plan = a_plan(ipv4(ME), want=40, seeding=seeding)
    given: set[Member] = set()
    for turn in range(1500):
        view = await announce(swarms, plan, NOW + turn)
        given.update(*view.own)
    expected = members(ipv4, live[1]) if seeding else members(ipv4, *live)
    assert expected == given - {ipv4(ME)}


@every_family
async def test_windows_hold_no_dead_who_were_not_removed_yet(
    redis: WatchedRedis, make: Make
) -> None:
    """The dead of both roles stand between the living in the order of ranks."""
    await fill(redis, make, range(500, 600), range(1500, 1600), NOW - TTL_S)
    live = range(60), range(1000, 1060)
    swarms = await seen_before(redis, make, *live)
    for _ in range(5):  # fewer than a purge takes
        view = await announce(swarms, a_plan(make(ME), want=100))
        assert Counts(60, 0, 61) == view.counts
        check_roles(view.own, make, *live)


@every_family
async def test_a_swarm_that_expired_since_it_was_seen_is_seen_as_it_is(
    redis: WatchedRedis, redis_server: RedisServer, make: Make
) -> None:
    swarms = await seen_before(redis, make, range(150), range(1000, 1150))
    live = range(150, 155), range(1150, 1155)
    await fill(redis, make, *live, NOW + 100)
    for _ in range(3):
        view = await announce(swarms, a_plan(make(ME), want=100), NOW + TTL_S)
        assert Counts(5, 0, 6) == view.counts
        check_roles(view.own, make, *live)
    assert members(make, live[0]) == set(view.own.seeders)
    assert members(make, live[1], range(ME, ME + 1)) == set(view.own.leechers)


@every_family
async def test_a_swarm_that_others_left_since_it_was_seen_is_seen_as_it_is(
    redis: WatchedRedis, make: Make
) -> None:
    swarms = await seen_before(redis, make, range(150), range(1000, 1150))
    other = swarms_on(redis)
    for number in (*range(5, 150), *range(1005, 1150)):
        await announce(other, a_plan(make(number), leaving=True, want=0))
    live = range(5), range(1000, 1005)
    first = await announce(swarms, a_plan(make(ME)))
    assert Counts(5, 0, 6) == first.counts
    check_roles(first.own, make, *live)
    second = await announce(swarms, a_plan(make(ME)))
    assert Counts(5, 0, 6) == second.counts
    assert members(make, live[0]) == set(second.own.seeders)
    assert members(make, live[1], range(ME, ME + 1)) == set(second.own.leechers)


async def test_a_swarm_that_grew_since_it_was_seen_is_given_from_all_over(
    redis: WatchedRedis,
) -> None:
    swarms = await seen_before(redis, ipv4, range(0), range(100))
    await fill(redis, ipv4, range(1000, 1100), range(100, 200))
    await announce(swarms, a_plan(ipv4(ME)), NOW + 1)
    view = await announce(swarms, a_plan(ipv4(ME)), NOW + 2)
    assert Counts(100, 0, 201) == view.counts
    check_roles(view.own, ipv4, range(1000, 1100), range(200))
    assert view.own.seeders


@pytest.mark.parametrize(("mine", "others"), [(ipv4, ipv6), (ipv6, ipv4)])
async def test_the_other_family_may_be_the_large_one(
    redis: WatchedRedis, mine: Make, others: Make
) -> None:
    live = range(150), range(1000, 1150)
    await fill(redis, others, *live)
    swarms = swarms_on(redis)
    for _ in range(3):
        view = await announce(swarms, a_plan(mine(ME)))
        assert Counts(150, 0, 151) == view.counts
        assert (mine(ME),) == tuple(view.own.leechers)
        check_roles(view.other, others, *live)
        assert 50 <= len(view.other.seeders) + len(view.other.leechers)
        small = await announce(swarms, a_plan(mine(ME), want=0))
        assert Counts(150, 0, 151) == small.counts


async def test_another_family_that_is_large_costs_a_second_round_trip_only_once(
    redis: WatchedRedis,
) -> None:
    await fill(redis, ipv6, range(150), range(1000, 1150))
    swarms = swarms_on(redis)
    await announce(swarms, a_plan(ipv4(ME)))
    for plan in (a_plan(ipv4(ME), full=False), a_plan(ipv4(ME), want=0), a_plan(ipv4(ME))):
        redis.forget()
        view = await announce(swarms, plan)
        assert Counts(150, 0, 151) == view.counts
        assert 1 == redis.round_trips


async def test_more_large_swarms_than_can_be_remembered_are_read_at_first_sight_again(
    redis: WatchedRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tracker.store.large.MOST", 1)
    makers = (ipv4, browser)
    for make in makers:
        await fill(redis, make, range(100), range(1000, 1100))
    swarms = swarms_on(redis)
    for _ in range(3):
        for make in makers:
            view = await announce(swarms, a_plan(make(ME)))
            assert Counts(100, 0, 101) == view.counts


async def test_a_hot_swarm_is_read_once_a_second(redis: WatchedRedis) -> None:
    live = range(500), range(1000, 1500)
    swarms = await seen_before(redis, ipv4, *live)
    plan = a_plan(ipv4(ME))
    for _ in range(2):  # a window, then the sample
        await announce(swarms, plan, NOW + 1)
    redis.forget()
    given: set[Member] = set()
    for view in await announce_all(swarms, [plan] * 200, NOW + 1):
        assert Counts(500, 0, 501) == view.counts
        check_roles(view.own, ipv4, *live)
        given.update(*view.own)
    assert (200, 0) == (redis.round_trips, redis.longest)
    assert len(given) > SAMPLE


async def test_a_burst_reads_one_sample(redis: WatchedRedis) -> None:
    live = range(500), range(1000, 1500)
    swarms = await seen_before(redis, ipv4, *live)
    redis.forget()
    for view in await announce_all(swarms, [a_plan(ipv4(ME))] * 100, NOW + 1):
        check_roles(view.own, ipv4, *live)
        assert 51 == sum(map(len, view.own))
    assert 99 * 51 + 2 * SAMPLE == redis.members


async def test_a_sample_serves_for_its_second_only(redis: WatchedRedis) -> None:
    swarms = await seen_before(redis, ipv4, range(0), range(100))
    for _ in range(3):
        await announce(swarms, a_plan(ipv4(ME)), NOW + 1)
    other = swarms_on(redis)
    for number in range(10):
        await announce(other, a_plan(ipv4(number), leaving=True, want=0))
    for _ in range(3):
        view = await announce(swarms, a_plan(ipv4(ME), want=200), NOW + 2)
        check_roles(view.own, ipv4, range(0), range(10, 100))


async def test_who_asks_when_redis_goes_between_two_round_trips_is_told(
    redis: WatchedRedis, redis_server: RedisServer
) -> None:
    def kill_at_second(trip: int) -> None:
        if trip == 2:
            redis_server.kill()

    await fill(redis, ipv4, range(100), range(1000, 1100))
    redis.forget()
    redis.before = kill_at_second
    with pytest.raises(Unavailable):
        await announce(swarms_on(redis), a_plan(ipv4(ME)))
    assert 2 == redis.round_trips


async def test_who_cannot_ask_a_second_time_is_told(redis: WatchedRedis) -> None:
    def refuse_second(trip: int) -> None:
        if trip == 2:
            raise Unavailable("no")

    await fill(redis, ipv4, range(100), range(1000, 1100))
    redis.forget()
    redis.before = refuse_second
    with pytest.raises(Unavailable):
        await announce(swarms_on(redis), a_plan(ipv4(ME)))
    assert 2 == redis.round_trips


async def test_a_scrape_of_a_large_swarm_reads_no_members(redis: WatchedRedis) -> None:
    await fill(redis, ipv4, range(100), range(1000, 1200))
    await fill(redis, browser, range(300), range(1000, 1000))
    redis.forget()
    swarms = swarms_on(redis)
    assert [Counts(100, 0, 200)] == await scrape(swarms)
    assert [Counts(300, 0, 0)] == await scrape(swarms, family=Family.BROWSER)
    assert 0 == redis.longest
