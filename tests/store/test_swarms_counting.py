"""Completed downloads, once per peer, and scrapes."""

import pytest

from tests.redis_clusters import on_all_kinds
from tests.store.asking import (
    HASH,
    MEMORY_S,
    NOW,
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
from tracker.service.ports import Plan
from tracker.store.swarms import PURGE_EVERY, RedisSwarms

pytestmark = on_all_kinds

ALICE, BOB = b"-TR3000-alicealiceal", b"-TR3000-bobbobbobbob"


def completing(number: int, peer_id: bytes = ALICE) -> Plan:
    return a_plan(ipv4(number), peer_id=peer_id, seeding=True, completed=True)


async def completed(swarms: RedisSwarms, family: Family = Family.IPV4, now_s: int = NOW) -> int:
    [counts] = await scrape(swarms, family=family, now_s=now_s)
    return counts.completed


async def test_who_completes_sees_itself_counted(swarms: RedisSwarms) -> None:
    view = await announce(swarms, completing(1))
    assert Counts(1, 1, 0) == view.counts
    assert 1 == await completed(swarms)


async def test_a_peer_that_completes_again_counts_once(swarms: RedisSwarms) -> None:
    views = await announce_all(swarms, [completing(1)] * 3)
    assert 1 == await completed(swarms)
    assert 1 == views[0].counts.completed
    view = await announce(swarms, completing(2))  # from another address
    assert 1 == view.counts.completed
    assert 1 == await completed(swarms_on(swarms._redis))


async def test_every_peer_counts(swarms: RedisSwarms) -> None:
    """Also those in whose turn the dead are removed."""
    for number in range(1, 3 * PURGE_EVERY):
        view = await announce(swarms, completing(number, number.to_bytes(20, "big")))
        assert Counts(number, number, 0) == view.counts


async def test_a_peer_that_completes_over_both_families_counts_once(swarms: RedisSwarms) -> None:
    await announce(swarms, completing(1))
    plan = a_plan(ipv6(1), peer_id=ALICE, seeding=True, completed=True)
    assert 1 == (await announce(swarms, plan)).counts.completed
    plan = a_plan(ipv6(2), peer_id=BOB, seeding=True, completed=True)
    assert 2 == (await announce(swarms, plan)).counts.completed
    assert 2 == (await announce(swarms, a_plan(ipv4(3)))).counts.completed


async def test_browsers_complete_on_their_own(swarms: RedisSwarms) -> None:
    await announce(swarms, completing(1))
    plan = a_plan(browser(1), peer_id=ALICE, seeding=True, completed=True)
    for _ in range(2):
        assert 1 == (await announce(swarms, plan)).counts.completed
    await announce(swarms, completing(2, BOB))
    assert 1 == await completed(swarms, Family.BROWSER)
    assert 2 == await completed(swarms)


async def test_a_peer_that_completes_long_after_counts_again(swarms: RedisSwarms) -> None:
    await announce(swarms, completing(1))
    await announce_all(swarms, [a_plan(ipv4(1))] * PURGE_EVERY, NOW + MEMORY_S - 1)
    await announce(swarms, completing(1), NOW + MEMORY_S - 1)
    assert 1 == await completed(swarms)
    await announce_all(swarms, [a_plan(ipv4(1))] * PURGE_EVERY, NOW + MEMORY_S)
    await announce(swarms, completing(1), NOW + MEMORY_S)
    assert 2 == await completed(swarms)


async def test_counts_outlive_the_peers(swarms: RedisSwarms) -> None:
    await announce(swarms, completing(1))
    late = NOW + 2 * MEMORY_S
    await announce_all(swarms, [a_plan(ipv4(2))] * PURGE_EVERY, late)
    assert [Counts(0, 1, 1)] == await scrape(swarms, now_s=late)


async def test_a_reply_without_room_for_the_completed_count_has_none(swarms: RedisSwarms) -> None:
    await announce(swarms, completing(1))
    view = await announce(swarms, a_plan(ipv4(2), full=False))
    assert Counts(1, 0, 1) == view.counts
    plan = completing(2, BOB)._replace(full=False)
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
                a_plan(browser(1), info_hash=info_hash, completed=True),
            ],
        )
    redis.forget()
    found = await scrape(swarms, hashes[::-1], family)
    known = [
        Counts(0, 1, 1) if family is Family.BROWSER else Counts(3, 0, number)
        for number in range(10)
    ]
    assert [Counts(0, 0, 0)] * 90 + known[::-1] == found
    assert 1 == redis.round_trips


async def test_a_hash_that_is_asked_twice_is_answered_twice(swarms: RedisSwarms) -> None:
    await announce(swarms, a_plan(ipv4(1)))
    assert [Counts(0, 0, 1)] * 2 == await scrape(swarms, [HASH, HASH])
