"""UDP behind a proxy that tells in each datagram whom it is from (PROXY protocol)."""

from collections.abc import AsyncIterator

import pytest
from structlog.testing import capture_logs

from tests.frontends.clients import HASH, UdpPeer, announce_packet, scrape_packet, udp_peer
from tests.nodes import RunningNode, running_node
from tests.redis_servers import RedisServer
from tracker.model import Counts
from tracker.wire import udp
from tracker.wire.compact import pack, pack_ip
from tracker.wire.proxy_protocol import encode_v1, encode_v2

PROXIES = ("127.0.0.1/32", "127.0.0.3/32", "::1/128")
CONNECT = udp.encode_connect_request(b"conn")
ALICE, BOB = (pack_ip("192.0.2.1"), 1001), (pack_ip("192.0.2.2"), 1002)
CAROL = pack_ip("2001:db8::3"), 1003
LOCAL = b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0"  # version 2: the proxy speaks for itself


def v1(client: tuple[bytes, int]) -> bytes:
    to = pack_ip("192.0.2.9" if len(client[0]) == 4 else "2001:db8::9")
    return encode_v1(client, (to, 6969))


def v2(client: tuple[bytes, int]) -> bytes:
    to = pack_ip("192.0.2.9" if len(client[0]) == 4 else "2001:db8::9")
    return encode_v2(client, (to, 6969))


@pytest.fixture
async def tracker(redis: RedisServer) -> AsyncIterator[RunningNode]:
    listen = {"trusted_proxies": PROXIES}
    async with running_node(redis.url, listen=listen, udp={"proxy_protocol": True}) as running:
        yield running


@pytest.fixture
async def proxy(tracker: RunningNode) -> AsyncIterator[UdpPeer]:
    async with udp_peer(tracker.port("udp")) as peer:
        yield peer


async def connected(proxy: UdpPeer, head: bytes) -> bytes:
    reply = await proxy.ask(head + CONNECT)
    assert isinstance(reply, udp.ConnectReply)
    return reply.connection_id


async def announced(
    proxy: UdpPeer, head: bytes, connection_id: bytes, **changed: object
) -> udp.AnnounceReply:
    reply = await proxy.ask(head + announce_packet(connection_id, **changed))
    assert isinstance(reply, udp.AnnounceReply), reply
    return reply


async def test_clients_find_each_other_by_their_own_addresses(proxy: UdpPeer) -> None:
    await announced(proxy, v1(ALICE), await connected(proxy, v1(ALICE)), port=7001)
    found = await announced(proxy, v2(BOB), await connected(proxy, v2(BOB)), port=7002)
    assert (pack(ALICE[0], 7001),) == found.peers
    assert 2 == found.leechers


async def test_clients_of_both_families_are_told_from_the_heads_not_the_socket(
    tracker: RunningNode, proxy: UdpPeer
) -> None:
    await announced(proxy, v2(CAROL), await connected(proxy, v2(CAROL)), port=7003)
    async with udp_peer(tracker.port("udp"), "::1") as proxy6:
        data = v1(ALICE) + CONNECT
        reply = await proxy6.ask(data)
        assert isinstance(reply, udp.ConnectReply)
        proxy6.send(v1(CAROL) + announce_packet(await connected(proxy6, v1(CAROL)), port=7004))
        found = await proxy6.reply()
    assert isinstance(found, udp.AnnounceReply)
    assert (pack(CAROL[0], 7003),) == found.peers


async def test_an_ipv4_client_of_a_proxy_on_ipv6_is_ipv4(proxy: UdpPeer) -> None:
    mapped = b"PROXY TCP6 ::ffff:192.0.2.1 ::ffff:192.0.2.9 1001 6969\r\n"
    connection_id = await connected(proxy, mapped)
    await announced(proxy, v1(ALICE), connection_id, port=7001)


async def test_a_connection_id_is_its_client_s_whichever_proxy_it_comes_by(
    tracker: RunningNode, proxy: UdpPeer
) -> None:
    connection_id = await connected(proxy, v1(ALICE))
    async with udp_peer(tracker.port("udp"), local="127.0.0.3") as other_proxy:
        await announced(other_proxy, v2(ALICE), connection_id)
        other_proxy.send(v1(BOB) + announce_packet(connection_id))  # a thief
        other_proxy.send(v1(BOB) + scrape_packet(connection_id, HASH))
        await connected(other_proxy, v1(BOB))
    assert 2 == tracker.requests["udp", "unproven", "silent"]


async def test_scrapes_and_errors_go_back_to_the_proxy_too(proxy: UdpPeer) -> None:
    connection_id = await connected(proxy, v1(ALICE))
    counts = await proxy.ask(v1(ALICE) + scrape_packet(connection_id, HASH))
    assert udp.ScrapeReply(b"scra", (Counts(0, 0, 0),)) == counts
    unknown = await proxy.ask(v1(ALICE) + connection_id + b"\0\0\0\x09unkn")
    assert isinstance(unknown, udp.ErrorReply)


@pytest.mark.parametrize("head", [LOCAL, b"PROXY UNKNOWN\r\n"])
async def test_a_proxy_that_names_no_client_does_not_become_a_peer(
    tracker: RunningNode, proxy: UdpPeer, head: bytes
) -> None:
    connection_id = await connected(proxy, head)  # for its health checks
    with capture_logs() as logs:
        for _ in range(2):
            proxy.send(head + announce_packet(connection_id))
            refusal = await proxy.reply()
            assert isinstance(refusal, udp.ErrorReply)
            assert refusal.reason.startswith("the proxy in front of this tracker does not name")
            assert refusal.reason.endswith(" to send your address in a PROXY header")
    assert ["proxy.unnamed"] == [entry["event"] for entry in logs]
    assert logs[0]["hint"].endswith(" in a PROXY header")
    assert {("udp", "connect", "ok"): 1, ("udp", "unnamed", "denied"): 2} == tracker.requests


async def test_a_head_may_be_as_long_as_a_proxy_s_notes_make_it(proxy: UdpPeer) -> None:
    head = v2(ALICE)
    notes = b"\xee\x0f\x00" + bytes(0xF00)
    size = (len(head) - 16 + len(notes)).to_bytes(2, "big")
    await connected(proxy, head[:14] + size + head[16:] + notes)


@pytest.mark.parametrize(
    "packet",
    [
        CONNECT,  # no head
        b"P",
        v1(ALICE)[:20],
        v2(ALICE)[:20],
        b"PROXY TCP4 192.0.2.1 192.0.2.9 1001\r\n" + CONNECT,
        b"PROXY " + b"x" * 200 + CONNECT,
        v2(ALICE).replace(b"\x21", b"\x31", 1) + CONNECT,
        b"\xff" * 1500,
    ],
)
async def test_who_has_no_good_head_hears_nothing(
    tracker: RunningNode, proxy: UdpPeer, packet: bytes
) -> None:
    proxy.send(packet)
    await connected(proxy, v1(ALICE))  # the first that is heard
    assert 1 == tracker.requests["udp", "proxy", "silent"]


async def test_a_head_and_nothing_after_it_proves_nothing(
    tracker: RunningNode, proxy: UdpPeer
) -> None:
    proxy.send(v1(ALICE))
    await connected(proxy, v1(ALICE))
    assert 1 == tracker.requests["udp", "unproven", "silent"]


async def test_a_stranger_s_head_is_not_believed(tracker: RunningNode, proxy: UdpPeer) -> None:
    async with udp_peer(tracker.port("udp"), local="127.0.0.2") as stranger:
        stranger.send(v1(ALICE) + CONNECT)
        stranger.send(CONNECT)
        await connected(proxy, v1(ALICE))
    assert 2 == tracker.requests["udp", "proxy", "silent"]
