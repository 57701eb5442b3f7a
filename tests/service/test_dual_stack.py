"""Clients that announce over both IPv4 and IPv6, down to a real Redis."""

import pytest
from msgspec.structs import replace

from tests.budgets import account, budgets
from tests.redis_servers import RedisServer
from tests.service.conftest import Clock
from tests.store.asking import HASH, NOW, TTL_S, answer, ipv4, ipv6
from tracker.model import Announce, Announced, Counts, Event
from tracker.service.peers import Peers
from tracker.settings import AnnounceSettings
from tracker.store.swarms import RedisSwarms

ALICE = Announce(HASH, b"-LT2010-alicealiceal", ipv4(1), Event.NONE, False, None, True, b"secret")
ALICE6 = replace(ALICE, endpoint=ipv6(1))
BOB = Announce(HASH, b"-LT2010-bobbobbobbob", ipv4(2), Event.NONE, False, None, True, b"other")


@pytest.fixture
def peers(swarms: RedisSwarms, clock: Clock) -> Peers:
    return Peers(AnnounceSettings(), swarms, clock, budgets=budgets())


async def ask(peers: Peers, request: Announce, **changed: object) -> Announced:
    request = replace(request, **changed)
    return await answer(lambda done: peers.announce(request, account(request), done))


@pytest.mark.parametrize("requests", [(ALICE, ALICE6), (ALICE6, ALICE)])
@pytest.mark.parametrize("full", [True, False])
async def test_a_client_is_not_given_its_other_endpoint_and_is_counted_once(
    peers: Peers, requests: tuple[Announce, Announce], full: bool
) -> None:
    for _ in range(2):
        for request in requests:
            reply = await ask(peers, request, full=full)
            assert (Counts(0, 0, 1), b"", b"") == (reply.counts, reply.peers, reply.peers6)


async def test_other_clients_are_given_both_endpoints_and_count_both(peers: Peers) -> None:
    await ask(peers, ALICE)
    await ask(peers, ALICE6)
    reply = await ask(peers, BOB)
    assert (Counts(0, 0, 3), ipv4(1), ipv6(1)) == (reply.counts, reply.peers, reply.peers6)
    reply = await ask(peers, ALICE)
    assert (Counts(0, 0, 2), ipv4(2), b"") == (reply.counts, reply.peers, reply.peers6)


@pytest.mark.parametrize("key", [b"", b"guessed"])
async def test_a_peer_id_without_its_key_finds_and_hides_nothing(peers: Peers, key: bytes) -> None:
    await ask(peers, ALICE)
    reply = await ask(peers, ALICE6, endpoint=ipv6(6), key=key)
    assert (Counts(0, 0, 2), ipv4(1)) == (reply.counts, reply.peers)
    await ask(peers, ALICE6, endpoint=ipv6(6), key=key, event=Event.STOPPED)
    reply = await ask(peers, ALICE6)
    assert (Counts(0, 0, 1), b"") == (reply.counts, reply.peers)


async def test_even_with_its_key_a_client_is_hidden_from_no_other(peers: Peers) -> None:
    await ask(peers, ALICE)
    await ask(peers, ALICE6, endpoint=ipv6(6))
    reply = await ask(peers, BOB)
    assert (Counts(0, 0, 3), ipv4(1), ipv6(6)) == (reply.counts, reply.peers, reply.peers6)


async def test_clients_without_a_key_are_two(peers: Peers) -> None:
    await ask(peers, ALICE, key=b"")
    reply = await ask(peers, ALICE6, key=b"")
    assert (Counts(0, 0, 2), ipv4(1)) == (reply.counts, reply.peers)


async def test_the_role_of_the_other_endpoint_decides_which_count_is_lower(peers: Peers) -> None:
    await ask(peers, ALICE)
    reply = await ask(peers, ALICE6, seeding=True)
    assert Counts(1, 0, 0) == reply.counts
    reply = await ask(peers, ALICE)
    assert Counts(0, 0, 1) == reply.counts


async def test_a_download_over_both_families_is_completed_once(peers: Peers) -> None:
    for request in ALICE, ALICE6:
        await ask(peers, request)
    for request in ALICE, ALICE6:
        reply = await ask(peers, request, event=Event.COMPLETED, seeding=True)
    assert Counts(1, 1, 0) == reply.counts


async def test_an_endpoint_that_stopped_is_not_counted_out(peers: Peers) -> None:
    await ask(peers, ALICE)
    await ask(peers, ALICE6)
    assert Counts(0, 0, 1) == (await ask(peers, ALICE, event=Event.STOPPED)).counts
    assert Counts(0, 0, 1) == (await ask(peers, ALICE6)).counts


async def test_an_endpoint_that_expired_is_not_counted_out(peers: Peers, clock: Clock) -> None:
    await ask(peers, ALICE)
    clock.now_s = NOW + TTL_S
    assert Counts(0, 0, 1) == (await ask(peers, ALICE6)).counts


async def test_an_endpoint_that_redis_lost_is_not_counted_out(
    peers: Peers, redis_server: RedisServer
) -> None:
    await ask(peers, ALICE)
    with redis_server.client() as client:
        client.flushall()
    peers.swarms_lost(NOW)
    assert Counts(0, 0, 1) == (await ask(peers, ALICE6)).counts


async def test_a_client_that_does_not_listen_is_not_counted_out(peers: Peers) -> None:
    await ask(peers, ALICE, endpoint=ipv4(1)[:-2] + b"\0\0")
    assert Counts(0, 0, 1) == (await ask(peers, ALICE6)).counts
