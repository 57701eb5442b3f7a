"""Completed downloads, once for a member that was seen leeching, and scrapes."""

from collections.abc import Callable

import pytest

from tests.redis_clusters import on_all_kinds
from tests.redis_servers import RedisServer
from tests.store.asking import (
    HASH,
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
from tracker.model import Counts, Family
from tracker.policy.crowds import IGNORE
from tracker.service.ports import Candidates, Member
from tracker.store.phrases import WHOLE
from tracker.store.swarms import PURGE_EVERY, RedisSwarms

pytestmark = on_all_kinds


async def download(swarms: RedisSwarms, member: Member, now_s: int = NOW) -> Counts:
    """Leech, then complete; the counts of the reply to the latter."""
    await announce(swarms, a_plan(member), now_s)
    plan = a_plan(member, seeding=True, completed=True)
    return (await announce(swarms, plan, now_s)).counts


async def completed(swarms: RedisSwarms, family: Family = Family.IPV4, now_s: int = NOW) -> int:
    [counts] = await scrape(swarms, family=family, now_s=now_s)
    return counts.completed


@pytest.mark.parametrize("make", MEMBERS)
async def test_a_leecher_that_completes_sees_itself_counted(
    swarms: RedisSwarms, make: Callable[[int], Member]
) -> None:
    assert Counts(1, 1, 0) == await download(swarms, make(1))
    assert 1 == await completed(swarms, a_plan(make(1)).family)


async def test_a_stranger_that_completes_does_not_count_and_is_a_seeder(
    swarms: RedisSwarms,
) -> None:
    plan = a_plan(ipv4(1), seeding=True, completed=True)
    for _ in range(2):
        assert Counts(1, 0, 0) == (await announce(swarms, plan)).counts
    assert 0 == await completed(swarms)


async def test_an_expired_leecher_that_completes_does_not_count(swarms: RedisSwarms) -> None:
    await announce(swarms, a_plan(ipv4(1)))
    plan = a_plan(ipv4(1), seeding=True, completed=True)
    assert 0 == (await announce(swarms, plan, NOW + TTL_S)).counts.completed


async def test_a_peer_that_completes_again_counts_once(swarms: RedisSwarms) -> None:
    await download(swarms, ipv4(1))
    views = await announce_all(swarms, [a_plan(ipv4(1), seeding=True, completed=True)] * 3)
    assert [1, 1, 1] == [view.counts.completed for view in views]
    assert 1 == await completed(swarms_on(swarms._redis))


async def test_a_peer_that_is_not_entered_does_not_count(swarms: RedisSwarms) -> None:
    await announce(swarms, a_plan(ipv4(1)))
    plan = a_plan(ipv4(1), seeding=True, completed=True, entry=IGNORE)
    assert Counts(0, 0, 1) == (await announce(swarms, plan)).counts


async def test_every_peer_counts(swarms: RedisSwarms) -> None:
    """Also those in whose turn the dead are removed."""
    for number in range(1, 3 * PURGE_EVERY):
        assert Counts(number, number, 0) == await download(swarms, ipv4(number))


async def test_both_ip_families_add_up_and_browsers_are_counted_apart(swarms: RedisSwarms) -> None:
    assert 1 == (await download(swarms, ipv4(1))).completed
    assert 2 == (await download(swarms, ipv6(1))).completed
    assert 3 == (await download(swarms, ipv4(2))).completed
    assert 1 == (await download(swarms, browser(1))).completed
    assert (3, 1) == (await completed(swarms), await completed(swarms, Family.BROWSER))


async def test_a_count_lives_as_long_as_its_swarm(
    swarms: RedisSwarms, redis_server: RedisServer
) -> None:
    await download(swarms, ipv4(1))
    late = NOW + 10 * TTL_S
    await announce_all(swarms, [a_plan(ipv4(2))] * PURGE_EVERY, late)
    assert [Counts(0, 1, 1)] == await scrape(swarms, now_s=late)
    with redis_server.client() as client:
        (key,) = client.scan_iter(count=1000)
        assert 0 < client.ttl(key) <= TTL_S


@pytest.mark.parametrize("make", MEMBERS)
@pytest.mark.parametrize("seeding", [False, True])
async def test_a_count_is_no_member(
    swarms: RedisSwarms, make: Callable[[int], Member], seeding: bool
) -> None:
    """Neither of a small swarm nor of a large one, which is read by ranks."""
    family = a_plan(make(1)).family
    for size in (0, WHOLE // 2, 3 * WHOLE):
        await announce_all(
            swarms, [a_plan(make(number), seeding=seeding) for number in range(2, 2 + size)]
        )
        await download(swarms, make(1))
        await announce(swarms, a_plan(make(1), leaving=True, want=0))
        found: set[Member] = set()
        for turn in range(1, 61):  # a second each: the samples of large swarms are of one
            view = await announce(swarms, a_plan(make(0)), NOW + turn)
            found |= {*view.own.seeders, *view.own.leechers}
            assert size + 1 == view.counts.seeders + view.counts.leechers
        assert found - {make(0)} == {make(number) for number in range(2, 2 + size)}
    assert 3 == await completed(swarms, family)


async def test_a_swarm_of_a_count_alone_is_empty(swarms: RedisSwarms) -> None:
    await download(swarms, ipv4(1))
    view = await announce(swarms, a_plan(ipv4(1), leaving=True))
    assert (Counts(0, 1, 0), Candidates([], [])) == (view.counts, view.own)


async def test_a_reply_without_room_for_the_completed_count_has_none(swarms: RedisSwarms) -> None:
    await download(swarms, ipv4(1))
    view = await announce(swarms, a_plan(ipv4(2), full=False))
    assert Counts(1, 0, 1) == view.counts
    plan = a_plan(ipv4(2), seeding=True, completed=True, full=False)
    await announce(swarms, plan)
    assert 2 == await completed(swarms)


@pytest.mark.parametrize("family", list(Family))
async def test_a_scrape_is_one_round_trip_in_the_order_asked(
    swarms: RedisSwarms, redis: WatchedRedis, family: Family
) -> None:
    hashes = [bytes([number]) * 20 for number in range(100)]
    for number, info_hash in enumerate(hashes[:10]):
        await announce_all(
            swarms,
            [
                *(a_plan(ipv4(each), info_hash=info_hash) for each in range(number)),
                *(a_plan(ipv6(each), info_hash=info_hash, seeding=True) for each in range(3)),
                a_plan(browser(1), info_hash=info_hash),
                a_plan(browser(1), info_hash=info_hash, completed=True, seeding=True),
            ],
        )
    redis.forget()
    found = await scrape(swarms, hashes[::-1], family)
    known = [
        Counts(1, 1, 0) if family is Family.BROWSER else Counts(3, 0, number)
        for number in range(10)
    ]
    assert [Counts(0, 0, 0)] * 90 + known[::-1] == found
    assert 1 == redis.round_trips


async def test_a_hash_that_is_asked_twice_is_answered_twice(swarms: RedisSwarms) -> None:
    await announce(swarms, a_plan(ipv4(1)))
    assert [Counts(0, 0, 1)] * 2 == await scrape(swarms, [HASH, HASH])
