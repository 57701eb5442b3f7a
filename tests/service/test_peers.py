"""Announces and scrapes of IP peers, down to a real Redis."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace
from structlog.testing import capture_logs

from tests.budgets import account, budgets
from tests.redis_servers import RedisServer
from tests.service.broken_swarms import BrokenSwarms
from tests.service.conftest import Clock
from tests.store.asking import HASH, NOW, TTL_S, answer, ipv4, ipv6
from tracker.errors import Denied, Overloaded, TrackerError, Unavailable
from tracker.model import Announce, Announced, Counts, Event, Family
from tracker.policy.access import OPEN, Access, AccessLists, Hashes
from tracker.policy.accounts import Account
from tracker.service.peers import FURTHER, Peers
from tracker.service.ports import Plan
from tracker.settings import AnnounceSettings
from tracker.store.keys import swarm_key
from tracker.store.swarms import RedisSwarms

SETTINGS = AnnounceSettings()


def request(
    endpoint: bytes,
    *,
    peer_id: bytes = b"-TR3000-peerpeerpeer",
    event: Event = Event.NONE,
    seeding: bool = False,
    numwant: int | None = None,
    full: bool = True,
) -> Announce:
    return Announce(HASH, peer_id, endpoint, event, seeding, numwant, full)


async def ask(peers: Peers, announce: Announce) -> Announced:
    return await answer(lambda done: peers.announce(announce, account(announce), done))


async def scrape(peers: Peers, *info_hashes: bytes) -> list[Counts]:
    return await answer(lambda done: peers.scrape(info_hashes, done))


def endpoints(joined: bytes, size: int = 6) -> set[bytes]:
    """What a reply names, each once."""
    each = [joined[at : at + size] for at in range(0, len(joined), size)]
    assert len(set(each)) == len(each)
    assert {size} >= set(map(len, each))
    return set(each)


@pytest.fixture
def peers(swarms: RedisSwarms, clock: Clock) -> Peers:
    return Peers(SETTINGS, swarms, clock, budgets=budgets())


async def join(peers: Peers, *members: bytes, seeding: bool = False) -> None:
    for member in members:
        await ask(peers, request(member, seeding=seeding, numwant=0))


@pytest.mark.parametrize("make", [ipv4, ipv6])
async def test_peers_find_each_other_and_never_themselves(
    peers: Peers, make: Callable[[int], bytes]
) -> None:
    first = await ask(peers, request(make(1), event=Event.STARTED))
    assert (Counts(0, 0, 1), b"", b"") == (first.counts, first.peers, first.peers6)
    second = await ask(peers, request(make(2), seeding=True))
    third = await ask(peers, request(make(3)))
    own = (second.peers, third.peers) if make is ipv4 else (second.peers6, third.peers6)
    other = (second.peers6, third.peers6) if make is ipv4 else (second.peers, third.peers)
    assert make(1) == own[0]
    assert {make(1), make(2)} == endpoints(own[1], len(make(1)))
    assert (b"", b"") == other
    assert Counts(1, 0, 2) == third.counts


async def test_a_reply_that_has_room_holds_both_families_each_in_its_place(peers: Peers) -> None:
    await join(peers, ipv4(1), ipv6(1))
    from4 = await ask(peers, request(ipv4(2)))
    from6 = await ask(peers, request(ipv6(2)))
    assert (ipv4(1), ipv6(1)) == (from4.peers, from4.peers6)
    assert ({ipv4(1), ipv4(2)}, ipv6(1)) == (endpoints(from6.peers), from6.peers6)
    assert Counts(0, 0, 4) == from6.counts


async def test_a_reply_without_room_holds_the_askers_family_only(peers: Peers) -> None:
    await join(peers, ipv4(1), ipv6(1))
    reply = await ask(peers, request(ipv4(2), full=False))
    assert (ipv4(1), b"", Counts(0, 0, 3)) == (reply.peers, reply.peers6, reply.counts)


async def test_the_askers_family_goes_first(peers: Peers) -> None:
    for number in range(1, 11):
        await join(peers, ipv4(number), ipv6(number))
    reply = await ask(peers, request(ipv4(99), numwant=10))
    assert (10, 0) == (len(endpoints(reply.peers)), len(reply.peers6))
    reply = await ask(peers, request(ipv4(99), numwant=12))
    assert (10, 2) == (len(endpoints(reply.peers)), len(endpoints(reply.peers6, 18)))


async def test_a_seeder_is_told_of_no_seeders(peers: Peers) -> None:
    await join(peers, ipv4(1), ipv6(1), seeding=True)
    await join(peers, ipv4(2), ipv6(2))
    reply = await ask(peers, request(ipv4(3), seeding=True))
    assert (ipv4(2), ipv6(2)) == (reply.peers, reply.peers6)


@pytest.mark.parametrize(
    ("numwant", "named"), [(None, 5), (-1, 5), (0, 0), (1, 1), (7, 7), (8, 8), (9, 8), (1000, 8)]
)
async def test_as_many_are_named_as_are_wanted_within_bounds(
    swarms: RedisSwarms, clock: Clock, numwant: int | None, named: int
) -> None:
    peers = Peers(AnnounceSettings(numwant=5, max_numwant=8), swarms, clock, budgets=budgets())
    await join(peers, *map(ipv4, range(1, 21)))
    reply = await ask(peers, request(ipv4(99), numwant=numwant))
    assert named == len(endpoints(reply.peers))
    assert Counts(0, 0, 21) == reply.counts


@pytest.mark.parametrize("swarm", [30, 300])
async def test_everybody_is_named_in_some_reply(peers: Peers, swarm: int) -> None:
    others = set(map(ipv4, range(1, swarm + 1)))
    await join(peers, *others)
    named: set[bytes] = set()
    for _ in range(100):
        reply = await ask(peers, request(ipv4(9999), numwant=20))
        chosen = endpoints(reply.peers)
        assert 20 == len(chosen)
        assert chosen <= others
        named |= chosen
    assert len(named) > 0.9 * len(others)


async def test_who_stops_is_answered_with_counts_alone(peers: Peers) -> None:
    await join(peers, ipv4(1), ipv4(2))
    reply = await ask(peers, request(ipv4(2), event=Event.STOPPED))
    assert (Counts(0, 0, 1), b"", b"") == (reply.counts, reply.peers, reply.peers6)
    assert [Counts(0, 0, 1)] == await scrape(peers, HASH)


async def test_who_completes_is_counted_once(peers: Peers) -> None:
    done = request(ipv4(1), event=Event.COMPLETED, seeding=True)
    await join(peers, ipv4(1))
    for _ in range(2):
        assert Counts(1, 1, 0) == (await ask(peers, done)).counts
    assert [Counts(1, 1, 0)] == await scrape(peers, HASH)


async def test_the_clock_is_the_one_that_is_given(peers: Peers, clock: Clock) -> None:
    await join(peers, ipv4(1))
    clock.now_s = NOW + TTL_S - 1
    assert [Counts(0, 0, 1)] == await scrape(peers, HASH)
    clock.now_s = NOW + TTL_S
    assert [Counts(0, 0, 0)] == await scrape(peers, HASH)


async def test_peers_who_come_together_are_sent_apart(peers: Peers) -> None:
    replies = [await ask(peers, request(ipv4(1))) for _ in range(100)]
    intervals = {reply.interval_s for reply in replies}
    assert min(intervals) >= 1620
    assert max(intervals) <= 1980
    assert len(intervals) > 20
    assert {300} == {reply.min_interval_s for reply in replies}


@pytest.mark.parametrize("endpoint", [bytes(4) + b"\1\1", bytes(16) + b"\1\1"])
async def test_an_address_that_nobody_has_is_denied_and_not_counted(
    peers: Peers, endpoint: bytes
) -> None:
    answers: list[object] = []
    with pytest.raises(Denied):
        peers.announce(request(endpoint), Account(endpoint[:-2]), answers.append)
    assert not answers
    assert [Counts(0, 0, 0)] == await scrape(peers, HASH)


@pytest.mark.parametrize("event", Event)
async def test_a_torrent_that_is_not_allowed_is_denied_from_the_moment_the_lists_say_so(
    swarms: RedisSwarms, clock: Clock, event: Event
) -> None:
    lists = AccessLists()
    peers = Peers(SETTINGS, swarms, clock, lists, budgets=budgets())
    await join(peers, ipv4(1))
    lists.current = Access(None, (Hashes(HASH),))
    with pytest.raises(Denied, match="this torrent is not allowed"):
        await ask(peers, request(ipv4(2), event=event))
    assert [Counts(0, 0, 0)] == await scrape(peers, HASH)
    lists.current = OPEN
    assert [Counts(0, 0, 1)] == await scrape(peers, HASH)
    lists.current = Access((Hashes(HASH),), ())
    await join(peers, ipv4(2))
    assert [Counts(0, 0, 2)] == await scrape(peers, HASH)


async def test_a_scrape_counts_all_ip_peers_in_the_order_asked(peers: Peers) -> None:
    await join(peers, ipv4(1), ipv6(1), seeding=True)
    await join(peers, ipv4(2))
    unknown = bytes(20)
    expected = [Counts(0, 0, 0), Counts(2, 0, 1), Counts(0, 0, 0)]
    assert expected == await scrape(peers, unknown, HASH, unknown)


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize("error", [Unavailable("away"), Overloaded("full")])
async def test_what_the_store_cannot_do_is_told(
    clock: Clock, error: TrackerError, at_once: bool
) -> None:
    peers = Peers(SETTINGS, BrokenSwarms(error, at_once=at_once), clock, budgets=budgets())
    with pytest.raises(type(error), match=error.reason):
        await ask(peers, request(ipv4(1)))
    with pytest.raises(type(error), match=error.reason):
        await scrape(peers, HASH)


@pytest.mark.parametrize("member", [b"", b"abc", b"x" * 5, b"x" * 7, b"x" * 18, b"x" * 100_000])
async def test_a_member_of_a_wrong_size_is_never_in_a_reply(
    peers: Peers, redis_server: RedisServer, member: bytes
) -> None:
    await join(peers, ipv4(1), ipv6(1))
    with redis_server.client() as client:
        client.zadd(swarm_key(Family.IPV4, HASH), {member: NOW + TTL_S})
        client.zadd(swarm_key(Family.IPV6, HASH), {member + b"!": NOW + TTL_S})
    with capture_logs() as logs:
        reply = await ask(peers, request(ipv4(2)))
    assert (ipv4(1), ipv6(1)) == (reply.peers, reply.peers6)
    assert {"redis.corrupt"} == {entry["event"] for entry in logs}
    assert {HASH.hex()} == {entry["key"][3:-1] for entry in logs}


async def test_wherever_a_crowd_stands_in_a_swarm_it_hides_nobody(
    peers: Peers, redis_server: RedisServer
) -> None:
    honest = {ipv4(number) for number in range(1, 11)}
    crowd = {ipv4(20)[:4] + port.to_bytes(2, "big") for port in range(1, 121)}
    with redis_server.client() as client:
        client.zadd(swarm_key(Family.IPV4, HASH), dict.fromkeys(honest | crowd, NOW + TTL_S))
    for _ in range(60):
        reply = await ask(peers, request(ipv4(1), numwant=50))
        assert honest - {ipv4(1)} <= endpoints(reply.peers)


async def test_a_crowd_of_one_family_does_not_hide_the_other_family(
    peers: Peers, redis_server: RedisServer
) -> None:
    honest = {ipv4(number) for number in range(1, 11)}
    crowd = {ipv6(20)[:8] + number.to_bytes(8, "big") + b"\x1a\xe1" for number in range(100)}
    with redis_server.client() as client:
        client.zadd(swarm_key(Family.IPV4, HASH), dict.fromkeys(honest, NOW + TTL_S))
        client.zadd(swarm_key(Family.IPV6, HASH), dict.fromkeys(crowd, NOW + TTL_S))
    for _ in range(20):
        reply = await ask(peers, request(ipv6(1), numwant=50))
        assert honest == endpoints(reply.peers)
        assert 40 == len(endpoints(reply.peers6, 18))


@pytest.mark.parametrize("at_once", [True, False])
async def test_a_failed_second_look_at_a_crowded_swarm_keeps_the_first_answer(
    swarms: RedisSwarms,
    peers: Peers,
    redis_server: RedisServer,
    monkeypatch: pytest.MonkeyPatch,
    at_once: bool,
) -> None:
    crowd = {ipv4(1)[:4] + port.to_bytes(2, "big"): NOW + TTL_S for port in range(1, 401)}
    with redis_server.client() as client:
        client.zadd(swarm_key(Family.IPV4, HASH), crowd)
    await ask(peers, request(ipv4(2)))  # the swarm is known to be large after it
    broken, announce, failed = (
        BrokenSwarms(Unavailable("away"), at_once=at_once),
        swarms.announce,
        0,
    )

    def announce_or_fail(plan: Plan, now: int, done: Callable[..., None]) -> None:
        nonlocal failed
        if plan.want == FURTHER:
            failed += 1
            broken.announce(plan, now, done)
        else:
            announce(plan, now, done)

    monkeypatch.setattr(swarms, "announce", announce_or_fail)
    reply = await ask(peers, request(ipv4(2), numwant=50))
    assert 1 == failed
    assert endpoints(reply.peers) <= crowd.keys()
    assert 50 == len(endpoints(reply.peers))


@pytest.mark.parametrize(("seeders", "leechers"), [(1, 199), (10, 1990), (20, 19_980)])
async def test_nearly_every_leecher_is_given_one_of_the_few_seeders(
    peers: Peers, redis_server: RedisServer, seeders: int, leechers: int
) -> None:
    few = {bytes([9, 0]) + number.to_bytes(2, "big") + b"\x1a\xe1" for number in range(seeders)}
    many = {bytes([10, 0]) + number.to_bytes(2, "big") + b"\x1a\xe1" for number in range(leechers)}
    expiry = NOW + TTL_S
    with redis_server.client() as client:
        scores = dict.fromkeys(many, expiry) | dict.fromkeys(few, -expiry)
        client.zadd(swarm_key(Family.IPV4, HASH), scores)
    found = 0
    for member in sorted(many)[:200]:
        reply = await ask(peers, request(member, numwant=50))
        assert 50 == len(endpoints(reply.peers))
        found += not few.isdisjoint(endpoints(reply.peers))
    assert found >= 198


@pytest.mark.parametrize("make", [ipv4, ipv6])
@pytest.mark.parametrize("port", [0, 1])
async def test_who_does_not_listen_is_given_peers_and_never_listed(
    peers: Peers, make: Callable[[int], bytes], port: int
) -> None:
    await join(peers, make(1))
    deaf = make(2)[:-2] + port.to_bytes(2, "big")
    for event in Event.STARTED, Event.NONE, Event.COMPLETED, Event.STOPPED:
        reply = await ask(peers, replace(request(deaf), event=event))
        named = b"" if event is Event.STOPPED else make(1)
        assert (named, 1) == (reply.peers + reply.peers6, reply.counts.leechers)
    assert b"" == (await ask(peers, request(make(1)))).peers
