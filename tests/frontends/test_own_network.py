"""Peers on the tracker's own network: who is given their addresses, over HTTP and UDP.

Proxies name the clients, since tests have no other way to come from a stranger's address.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from tests.frontends.clients import announce_packet, announced, udp_peer
from tests.nodes import RunningNode, running_node
from tests.redis_servers import RedisServer
from tracker.wire import udp
from tracker.wire.compact import pack_ip, split, unpack
from tracker.wire.proxy_protocol import encode_v2

PROXY = "127.0.0.2"
EXTERNAL, EXTERNAL6 = "198.51.100.1", "2001:db8:ffff::1"
STRANGER, STRANGER6 = "203.0.113.9", "2001:db8::9"

# A tracker, the client's address, its port, left -> the peers that it is given.
Announcing = Callable[[RunningNode, str, int, int], Awaitable[set[tuple[str, int]]]]


@asynccontextmanager
async def a_tracker(redis: RedisServer, *external: str) -> AsyncIterator[RunningNode]:
    """A tracker that believes the proxy, with these external addresses."""
    async with running_node(
        redis.url,
        listen={"trusted_proxies": [f"{PROXY}/32", "::1/128"]},
        udp={"proxy_protocol": True},
        announce={"external_ip": external},
    ) as tracker:
        yield tracker


async def over_http(
    tracker: RunningNode, address: str, port: int, left: int = 1
) -> set[tuple[str, int]]:
    """Announce, and return the peers of both families."""
    peer = await tracker.tcp(local=PROXY)
    reply = await announced(peer, f"X-Forwarded-For: {address}", port=port, left=left)
    peers = [*split(reply[b"peers"], 6), *split(reply.get(b"peers6", b""), 18)]
    return set(map(unpack, peers))


async def over_udp(
    tracker: RunningNode, address: str, port: int, left: int = 1
) -> set[tuple[str, int]]:
    """Announce, and return the peers of the own family."""
    host, local = ("::1", None) if ":" in address else ("127.0.0.1", PROXY)
    header = encode_v2((pack_ip(address), 4711), (pack_ip(address), 6969))
    async with udp_peer(tracker.port("udp"), host, local) as peer:
        connected = await peer.ask(header + udp.encode_connect_request(b"conn"))
        assert isinstance(connected, udp.ConnectReply)
        packet = announce_packet(connected.connection_id, port=port, left=left)
        reply = await peer.ask(header + packet)
    assert isinstance(reply, udp.AnnounceReply)
    return set(map(unpack, reply.peers))


protocols = pytest.mark.parametrize("announce", [over_http, over_udp])


@protocols
async def test_local_addresses_stay_in_their_own_networks(
    redis: RedisServer, announce: Announcing
) -> None:
    async with a_tracker(redis) as tracker:
        on_host, linked, private = ("127.0.0.1", 1001), ("169.254.1.1", 1002), ("10.0.0.1", 1003)
        public = STRANGER, 1004
        for seeder in (on_host, linked, private, public):
            await announce(tracker, *seeder, 0)
        assert {on_host, linked, private, public} == await announce(tracker, "127.0.0.9", 0, 1)
        assert {linked, private, public} == await announce(tracker, "169.254.9.9", 0, 1)
        for viewer in "10.9.9.9", "192.168.9.9", "172.31.9.9", "100.64.9.9":
            assert {private, public} == await announce(tracker, viewer, 0, 1)
        for viewer in "192.0.2.9", "172.32.9.9", "100.128.9.9":
            assert {public} == await announce(tracker, viewer, 0, 1)


@protocols
async def test_local_addresses_of_ipv6_stay_in_their_own_networks(
    redis: RedisServer, announce: Announcing
) -> None:
    async with a_tracker(redis) as tracker:
        linked, private, public = ("fe80::1", 1002), ("fd00::1", 1003), (STRANGER6, 1004)
        for seeder in (linked, private, public):
            await announce(tracker, *seeder, 0)
        assert {linked, private, public} == await announce(tracker, "fe80::9", 0, 1)
        assert {private, public} == await announce(tracker, "fd12::9", 0, 1)
        assert {public} == await announce(tracker, "2001:db8::1:9", 0, 1)


@protocols
async def test_a_local_peer_is_given_to_strangers_under_the_external_address(
    redis: RedisServer, announce: Announcing
) -> None:
    async with a_tracker(redis, EXTERNAL, EXTERNAL6) as tracker:
        await announce(tracker, "127.0.0.1", 1001, 0)
        await announce(tracker, "10.0.0.1", 1002, 0)
        await announce(tracker, "fd00::1", 1003, 0)
        both = {(EXTERNAL, 1001), (EXTERNAL, 1002)}
        assert both <= await announce(tracker, STRANGER, 0, 1)
        assert {(EXTERNAL6, 1003)} <= await announce(tracker, STRANGER6, 0, 1)
        found = await announce(tracker, "10.0.0.9", 0, 1)
        assert {(EXTERNAL, 1001), ("10.0.0.1", 1002)} <= found
        assert ("127.0.0.1", 1001) not in found


async def test_the_scope_of_the_announcer_decides_for_both_families(redis: RedisServer) -> None:
    async with a_tracker(redis) as tracker:
        await over_http(tracker, "10.0.0.1", 1001, 0)
        await over_http(tracker, "fd00::1", 1002, 0)
        both = {("10.0.0.1", 1001), ("fd00::1", 1002)}
        for viewer in "10.0.0.9", "fd00::9":
            assert both == await over_http(tracker, viewer, 0)
        for viewer in STRANGER, STRANGER6:
            assert set() == await over_http(tracker, viewer, 0)


async def test_a_list_of_dictionaries_has_the_same_peers(redis: RedisServer) -> None:
    async with a_tracker(redis, EXTERNAL) as tracker:
        await over_http(tracker, "10.0.0.1", 1001, 0)
        peer = await tracker.tcp(local=PROXY)
        reply = await announced(peer, f"X-Forwarded-For: {STRANGER}", compact=0)
        assert [{b"ip": EXTERNAL.encode(), b"port": 1001}] == reply[b"peers"]


async def test_peers_that_are_not_shown_are_counted(redis: RedisServer) -> None:
    async with a_tracker(redis) as tracker:
        await over_http(tracker, "10.0.0.1", 1001, 0)
        peer = await tracker.tcp(local=PROXY)
        reply = await announced(peer, f"X-Forwarded-For: {STRANGER}")
        assert (1, 1, b"") == (reply[b"complete"], reply[b"incomplete"], reply[b"peers"])
