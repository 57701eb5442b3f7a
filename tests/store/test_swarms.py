"""The contract of `tracker.service.ports.Swarms`, on every kind of Redis that we support."""

import asyncio
from collections.abc import Callable
from random import Random

import pytest
from msgspec.structs import replace

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
    find,
    ipv4,
    ipv6,
    scrape,
    swarms_on,
)
from tracker.errors import Away, Unavailable
from tracker.model import Counts, Family
from tracker.policy.crowds import IGNORE
from tracker.service.ports import Candidates, Member, Swarms, View
from tracker.store.keys import swarm_key
from tracker.store.swarms import OTHER_AGE_S, PURGE_EVERY, RedisSwarms

pytestmark = on_all_kinds

Make = Callable[[int], Member]

NOBODY = Candidates((), ())

every_family = pytest.mark.parametrize("make", MEMBERS)
both_roles = pytest.mark.parametrize("seeding", [False, True])


def given(candidates: Candidates) -> tuple[set[Member], set[Member]]:
    """Seeders and leechers, who come in any order, each once."""
    seeders, leechers = candidates
    everybody = {*seeders, *leechers}
    assert len(everybody) == len(seeders) + len(leechers)
    return set(seeders), set(leechers)


def test_the_store_fits_the_port(swarms: RedisSwarms) -> None:
    port: Swarms = swarms  # what mypy checks
    assert port is swarms


@every_family
async def test_a_newcomer_is_given_to_the_very_next_announce(
    swarms: RedisSwarms, make: Make
) -> None:
    await announce(swarms, a_plan(make(1)))
    await announce(swarms, a_plan(make(2), seeding=True))
    view = await announce(swarms, a_plan(make(3)))
    assert ({make(2)}, {make(1), make(3)}) == given(view.own)
    assert Counts(1, 0, 2) == view.counts


async def test_announces_of_one_turn_are_applied_in_the_order_asked(swarms: RedisSwarms) -> None:
    views = await announce_all(swarms, [a_plan(ipv4(number)) for number in range(50)])
    assert [Counts(0, 0, number + 1) for number in range(50)] == [view.counts for view in views]
    assert {ipv4(number) for number in range(20)} == given(views[19].own)[1]


@every_family
@both_roles
async def test_who_announces_is_counted(swarms: RedisSwarms, make: Make, seeding: bool) -> None:
    view = await announce(swarms, a_plan(make(1), seeding=seeding))
    assert Counts(int(seeding), 0, int(not seeding)) == view.counts


async def test_both_ip_families_are_one_swarm(swarms: RedisSwarms) -> None:
    await announce(swarms, a_plan(ipv4(1), seeding=True))
    await announce(swarms, a_plan(ipv4(2)))
    view = await announce(swarms, a_plan(ipv6(1)))
    assert Counts(1, 0, 2) == view.counts
    assert (set(), {ipv6(1)}) == given(view.own)
    assert ({ipv4(1)}, {ipv4(2)}) == given(view.other)
    view = await announce(swarms, a_plan(ipv4(3)))
    assert ({ipv4(1)}, {ipv4(2), ipv4(3)}) == given(view.own)
    assert (set(), {ipv6(1)}) == given(view.other)


async def test_who_has_room_for_one_family_gets_one_and_counts_of_both(
    swarms: RedisSwarms,
) -> None:
    await announce(swarms, a_plan(ipv6(1), seeding=True))
    view = await announce(swarms, a_plan(ipv4(1), full=False))
    assert (Counts(1, 0, 1), NOBODY) == (view.counts, view.other)


@pytest.mark.parametrize("full", [False, True])
async def test_the_other_family_of_this_process_is_seen_at_once(
    swarms: RedisSwarms, full: bool
) -> None:
    for number in range(1, 4):
        await announce(swarms, a_plan(ipv6(number), full=full))
        view = await announce(swarms, a_plan(ipv4(1), full=full))
        assert Counts(0, 0, 1 + number) == view.counts
        assert full * number == len(view.other.leechers)
        await announce(swarms, a_plan(ipv4(1), leaving=True, want=0, full=full))
        view = await announce(swarms, a_plan(ipv6(number), full=full))
        assert Counts(0, 0, number) == view.counts


@pytest.mark.parametrize("full", [False, True])
async def test_the_other_family_is_seen_at_once_under_load_too(
    swarms: RedisSwarms, full: bool
) -> None:
    """A view that was asked before a change, and came after it, must not hide it."""
    await announce_all(swarms, [a_plan(ipv4(1), full=full), a_plan(ipv6(1), full=full)])
    view = await announce(swarms, a_plan(ipv4(2), full=full))
    assert Counts(0, 0, 3) == view.counts
    assert full == len(view.other.leechers)


@pytest.mark.parametrize("full", [False, True])
async def test_the_other_family_of_another_process_is_seen_within_seconds(
    swarms: RedisSwarms, redis: WatchedRedis, full: bool
) -> None:
    await announce(swarms, a_plan(ipv4(1), full=full))
    await announce(swarms_on(redis), a_plan(ipv6(1), full=full))
    view = await announce(swarms, a_plan(ipv4(1), full=full), NOW + OTHER_AGE_S)
    assert Counts(0, 0, 2) == view.counts
    assert full == len(view.other.leechers)


async def test_many_swarms_do_not_fill_the_memory_of_other_families(
    swarms: RedisSwarms, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tracker.store.swarms.MOST_OTHERS", 2)
    hashes = [bytes([number]) * 20 for number in range(5)]
    for _ in range(2):
        for info_hash in hashes:
            await announce(swarms, a_plan(ipv4(1), info_hash=info_hash))
            view = await announce(swarms, a_plan(ipv6(1), info_hash=info_hash))
            assert Counts(0, 0, 2) == view.counts
    assert len(swarms._others) <= 2


async def test_browsers_are_a_swarm_of_their_own(swarms: RedisSwarms) -> None:
    await announce(swarms, a_plan(ipv4(1)))
    view = await announce(swarms, a_plan(browser(1)))
    assert (Counts(0, 0, 1), NOBODY) == (view.counts, view.other)
    view = await announce(swarms, a_plan(ipv4(2)))
    assert Counts(0, 0, 2) == view.counts


@every_family
async def test_who_announces_again_is_still_one_peer(swarms: RedisSwarms, make: Make) -> None:
    await announce(swarms, a_plan(make(1)))
    view = await announce(swarms, a_plan(make(1)))
    assert Counts(0, 0, 1) == view.counts


@every_family
@pytest.mark.parametrize("completed", [False, True])
async def test_only_who_was_not_there_is_new(
    swarms: RedisSwarms, make: Make, completed: bool
) -> None:
    plan = a_plan(make(1), completed=completed)
    assert [True, False] == [(await announce(swarms, plan)).new for _ in range(2)]
    leaving = a_plan(make(1), leaving=True, want=0)
    assert [False, False] == [(await announce(swarms, leaving)).new for _ in range(2)]
    assert (await announce(swarms, plan)).new


@every_family
@both_roles
async def test_who_changes_role_has_only_the_new_one(
    swarms: RedisSwarms, make: Make, seeding: bool
) -> None:
    await announce(swarms, a_plan(make(1), seeding=not seeding))
    view = await announce(swarms, a_plan(make(1), seeding=seeding))
    assert Counts(int(seeding), 0, int(not seeding)) == view.counts


@every_family
@both_roles
async def test_who_leaves_is_gone_at_once(swarms: RedisSwarms, make: Make, seeding: bool) -> None:
    await announce_all(swarms, [a_plan(make(1), seeding=seeding), a_plan(make(2))])
    view = await announce(swarms, a_plan(make(1), seeding=seeding, leaving=True, want=0))
    assert Counts(0, 0, 1) == view.counts
    view = await announce(swarms, a_plan(make(3)))
    assert (set(), {make(2), make(3)}) == given(view.own)


async def test_who_leaves_what_it_never_joined_is_answered_too(swarms: RedisSwarms) -> None:
    view = await announce(swarms, a_plan(ipv4(1), leaving=True, want=0))
    assert Counts(0, 0, 0) == view.counts


@every_family
async def test_who_is_said_to_be_gone_is_gone(swarms: RedisSwarms, make: Make) -> None:
    plan = a_plan(make(1))
    await announce_all(swarms, [plan, a_plan(make(2))])
    swarms.leave(HASH, plan.family, make(1))
    assert [Counts(0, 0, 1)] == await scrape(swarms, family=plan.family)


@every_family
async def test_a_plan_that_does_not_enter_sees_the_swarm_and_changes_nothing(
    swarms: RedisSwarms, make: Make
) -> None:
    await announce_all(swarms, [a_plan(make(1)), a_plan(make(2))])
    plan = replace(a_plan(make(1), completed=True, full=False), entry=IGNORE)
    for _ in range(10):
        view = await announce(swarms, plan)
    assert (Counts(0, 0, 2), False) == (view.counts, view.new)
    assert {make(1), make(2)} == set(view.own.leechers)
    assert [Counts(0, 0, 2)] == await scrape(swarms, family=plan.family)


@every_family
@both_roles
async def test_a_silent_peer_lives_for_its_time(
    swarms: RedisSwarms, make: Make, seeding: bool
) -> None:
    await announce(swarms, a_plan(make(1), seeding=seeding))
    role = 0 if seeding else 1
    view = await announce(swarms, a_plan(make(2)), NOW + TTL_S - 1)
    assert make(1) in given(view.own)[role]
    view = await announce(swarms, a_plan(make(3)), NOW + TTL_S)
    assert (set(), {make(2), make(3)}) == given(view.own)
    assert Counts(0, 0, 2) == view.counts


@every_family
@both_roles
async def test_each_announce_prolongs_a_peers_life(
    swarms: RedisSwarms, make: Make, seeding: bool
) -> None:
    await announce(swarms, a_plan(make(1), seeding=seeding))
    await announce(swarms, a_plan(make(1), seeding=seeding), NOW + 1)
    family = a_plan(make(1)).family
    living, dead = Counts(int(seeding), 0, int(not seeding)), Counts(0, 0, 0)
    assert [living] == await scrape(swarms, family=family, now_s=NOW + TTL_S)
    assert [dead] == await scrape(swarms, family=family, now_s=NOW + TTL_S + 1)


@every_family
async def test_the_dead_are_removed_within_a_few_announces(
    swarms: RedisSwarms, redis_server: RedisServer, make: Make
) -> None:
    await announce_all(swarms, [a_plan(make(1)), a_plan(make(2), seeding=True)])
    later = a_plan(make(3), seeding=True)
    await announce_all(swarms, [later] * PURGE_EVERY, NOW + TTL_S)
    with redis_server.client() as client:
        assert [make(3)] == client.zrange(swarm_key(later.family, HASH), 0, -1)


async def test_no_key_is_ever_without_an_end(
    swarms: RedisSwarms, redis_server: RedisServer
) -> None:
    chance = Random(1)
    with redis_server.client() as client:
        for turn in range(100):
            make = chance.choice(MEMBERS)
            leaving = chance.random() < 0.2
            plan = a_plan(
                make(chance.randrange(5)),
                info_hash=bytes([chance.randrange(3)]) * 20,
                peer_id=chance.randbytes(20),
                seeding=chance.random() < 0.5,
                leaving=leaving,
                completed=not leaving and chance.random() < 0.3,
            )
            await announce(swarms, plan, NOW + turn)
            for key in client.scan_iter(count=100):
                assert 0 < client.ttl(key) <= TTL_S


@every_family
async def test_only_browsers_that_seed_are_given_seeders(swarms: RedisSwarms, make: Make) -> None:
    others = [ipv4(7), ipv6(7)]
    for member in [make(1), *others]:
        await announce(swarms, a_plan(member, seeding=True))
    await announce(swarms, a_plan(make(2)))
    view = await announce(swarms, a_plan(make(3), seeding=True))
    seeders = {make(1), make(3)}
    assert (seeders if make is browser else set(), {make(2)}) == given(view.own)
    assert (set(), set()) == given(view.other)
    if make is not browser:
        seeders.update(others)
    assert Counts(len(seeders), 0, 1) == view.counts


@every_family
async def test_who_wants_nobody_costs_no_members(
    swarms: RedisSwarms, redis: WatchedRedis, make: Make
) -> None:
    await announce_all(swarms, [a_plan(make(1)), a_plan(make(2), seeding=True)])
    redis.forget()
    view = await announce(swarms, a_plan(make(3), want=0))
    assert View(Counts(1, 0, 2), NOBODY, NOBODY, new=True) == view
    assert (1, 0) == (redis.round_trips, redis.longest)


@pytest.mark.parametrize(
    "info_hash",
    [
        b"{}" * 10,
        b"{tag}" * 4,
        b"\r\n" * 10,
        b"$-1\r\n*0\r\n:1\r\n+OKAY\r\n",
        bytes(20),
        b" " * 20,
        *(bytes(byte % 256 for byte in range(first, first + 20)) for first in range(0, 256, 20)),
    ],
)
async def test_hashes_and_members_are_bytes_of_any_value(
    swarms: RedisSwarms, info_hash: bytes
) -> None:
    neighbour = info_hash[:-1] + bytes([info_hash[-1] ^ 1])
    members = [info_hash[:6], info_hash[:18], info_hash + info_hash[:8]]
    for member in members:
        plan = a_plan(member, info_hash=info_hash, peer_id=info_hash)
        view = await announce(swarms, plan)
        assert (set(), {member}) == given(view.own)
        await announce(swarms, replace(plan, seeding=True, completed=True))
    expected = [Counts(2, 2, 0), Counts(0, 0, 0)]
    assert expected == await scrape(swarms, [info_hash, neighbour])
    expected = [Counts(1, 1, 0), Counts(0, 0, 0)]
    assert expected == await scrape(swarms, [info_hash, neighbour], Family.BROWSER)
    for member in members:
        swarms.leave(info_hash, a_plan(member).family, member)
    assert [Counts(0, 2, 0)] == await scrape(swarms, [info_hash])


async def test_browsers_in_a_swarm_are_found_while_they_live(swarms: RedisSwarms) -> None:
    await announce(swarms, a_plan(browser(1)))
    await announce(swarms, a_plan(browser(2), seeding=True))
    members = [browser(number) for number in range(4)]
    assert [browser(1), browser(2)] == await find(swarms, members)
    assert [] == await find(swarms, members, now_s=NOW + TTL_S)
    assert [] == await find(swarms, members, info_hash=b"o" * 20)


async def test_while_redis_is_away_announces_and_scrapes_fail_and_leaving_is_forgotten(
    swarms: RedisSwarms, redis: WatchedRedis
) -> None:
    await redis.close()
    with pytest.raises(Unavailable):
        await announce(swarms, a_plan(ipv4(1)))
    with pytest.raises(Unavailable):
        await scrape(swarms)
    with pytest.raises(Unavailable):
        await find(swarms, [browser(1)])
    swarms.leave(HASH, Family.IPV4, ipv4(1))


async def test_announces_and_scrapes_that_redis_takes_to_its_grave_fail(
    swarms: RedisSwarms, redis: WatchedRedis, redis_server: RedisServer
) -> None:
    redis_server.pause()
    asked = asyncio.gather(
        announce(swarms, a_plan(ipv4(1))), scrape(swarms), return_exceptions=True
    )
    await asyncio.sleep(0)  # until both have asked
    redis_server.kill()
    assert [Away, Away] == [type(error) for error in await asked]
    redis_server.start()
    await redis.wait_up()
    assert [Counts(0, 0, 0)] == await scrape(swarms)
