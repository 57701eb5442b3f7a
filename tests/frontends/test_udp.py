"""UDP over real sockets: who is answered, with what, and from which address."""

from collections.abc import AsyncIterator

import pytest

from tests.frontends.clients import (
    HASH,
    OTHER_HASH,
    PEER_ID,
    UdpPeer,
    announce_packet,
    scrape_packet,
    udp_peer,
)
from tests.nodes import RunningNode, running_node, until
from tests.redis_servers import RedisServer
from tracker.model import Counts, Event
from tracker.wire import udp
from tracker.wire.compact import pack, pack_ip

NOBODY = Counts(0, 0, 0)


def endpoint(port: int, host: str = "127.0.0.1") -> bytes:
    return pack(pack_ip(host), port)


@pytest.fixture
async def peer(tracker: RunningNode) -> AsyncIterator[UdpPeer]:
    async with udp_peer(tracker.port("udp")) as peer:
        yield peer


# Good requests


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_two_peers_of_a_family_find_each_other(tracker: RunningNode, host: str) -> None:
    async with udp_peer(tracker.port("udp"), host) as peer:
        connection_id = await peer.connect()
        alone = await peer.announce(connection_id, left=0, port=1001)
        found = await peer.announce(connection_id, peer_id=bytes(20), port=1002)
        both = await peer.announce(connection_id, left=0, port=1001)
    assert (b"anno", 0, 1, ()) == (
        alone.transaction_id,
        alone.leechers,
        alone.seeders,
        alone.peers,
    )
    assert 1620 <= alone.interval_s <= 1980  # 1800 and a tenth
    assert (1, 1, (endpoint(1001, host),)) == (found.leechers, found.seeders, found.peers)
    assert (endpoint(1002, host),) == both.peers
    assert 3 == tracker.requests["udp", "announce", "ok"]
    assert 1 == tracker.requests["udp", "connect", "ok"]


async def test_only_peers_of_the_own_family_are_named_but_all_are_counted(
    tracker: RunningNode, peer: UdpPeer
) -> None:
    await peer.announce(await peer.connect(), port=1001)
    async with udp_peer(tracker.port("udp"), "::1") as peer6:
        reply = await peer6.announce(await peer6.connect(), port=1002)
    assert (2, ()) == (reply.leechers, reply.peers)


async def test_a_peer_that_stopped_is_gone_and_named_nobody(peer: UdpPeer) -> None:
    connection_id = await peer.connect()
    await peer.announce(connection_id, port=1001)
    await peer.announce(connection_id, port=1002)
    stopped = await peer.announce(connection_id, port=1001, event=Event.STOPPED)
    assert (1, ()) == (stopped.leechers, stopped.peers)


async def test_a_completed_download_is_counted(peer: UdpPeer) -> None:
    connection_id = await peer.connect()
    await peer.announce(connection_id)
    await peer.announce(connection_id, left=0, event=Event.COMPLETED)
    reply = await peer.ask(scrape_packet(connection_id, HASH))
    assert udp.ScrapeReply(b"scra", (Counts(1, 1, 0),)) == reply


async def test_a_paused_peer_is_an_ordinary_one(peer: UdpPeer) -> None:
    packet = bytearray(announce_packet(await peer.connect()))
    packet[80:84] = (4).to_bytes(4, "big")
    reply = await peer.ask(bytes(packet))
    assert isinstance(reply, udp.AnnounceReply)
    assert 1 == reply.leechers


@pytest.mark.parametrize(
    "tail",
    [b"\0", b"\1\1\2\3/an\0", b"\2\xff" + b"x" * 255, b"\2\xffcut", b"\7\1x\2\1/", b"x" * 1900],
)
async def test_options_after_the_announce_do_no_harm(peer: UdpPeer, tail: bytes) -> None:
    reply = await peer.ask(announce_packet(await peer.connect()) + tail)
    assert isinstance(reply, udp.AnnounceReply)


@pytest.mark.parametrize(
    ("numwant", "named"), [(None, 50), (-5, 50), (0, 0), (1, 1), (60, 60), (2**31 - 1, 70)]
)
async def test_numwant_is_obeyed_within_bounds(
    redis: RedisServer, numwant: int | None, named: int
) -> None:
    async with (
        running_node(redis.url, announce={"max_numwant": 70}) as tracker,
        udp_peer(tracker.port("udp")) as peer,
    ):
        connection_id = await peer.connect()
        for port in range(2, 77):
            await peer.announce(connection_id, port=port, numwant=0)
        reply = await peer.announce(connection_id, port=2, numwant=numwant)
    assert named == len(set(reply.peers))
    assert endpoint(2) not in reply.peers
    assert 75 == reply.leechers


@pytest.mark.parametrize(("host", "stride"), [("127.0.0.1", 6), ("::1", 18)])
async def test_a_reply_names_no_more_than_fit(redis: RedisServer, host: str, stride: int) -> None:
    async with (
        running_node(redis.url, udp={"max_reply": 100}) as tracker,
        udp_peer(tracker.port("udp"), host) as peer,
    ):
        connection_id = await peer.connect()
        for port in range(1, 21):
            await peer.announce(connection_id, port=port, numwant=0)
        peer.send(announce_packet(connection_id, numwant=200))
        data, _ = await peer.receive()
    assert 20 + 80 // stride * stride == len(data)


async def test_a_scrape_keeps_order_and_repeats(peer: UdpPeer) -> None:
    connection_id = await peer.connect()
    await peer.announce(connection_id)
    await peer.announce(connection_id, info_hash=OTHER_HASH, left=0)
    reply = await peer.ask(scrape_packet(connection_id, OTHER_HASH, HASH, bytes(20), OTHER_HASH))
    seeder, leecher = Counts(1, 0, 0), Counts(0, 0, 1)
    assert udp.ScrapeReply(b"scra", (seeder, leecher, NOBODY, seeder)) == reply


async def test_the_largest_scrape_is_served(peer: UdpPeer) -> None:
    reply = await peer.ask(scrape_packet(await peer.connect(), *[HASH] * 74))
    assert udp.ScrapeReply(b"scra", (NOBODY,) * 74) == reply


async def test_many_datagrams_at_once_are_all_answered(tracker: RunningNode, peer: UdpPeer) -> None:
    connection_id = await peer.connect()
    asked = [number.to_bytes(4, "big") for number in range(300)]
    for transaction_id in asked:
        peer.send(announce_packet(connection_id, transaction_id=transaction_id))
    answered = [(await peer.reply()).transaction_id for _ in asked]
    assert asked == sorted(answered)
    assert 300 == tracker.requests["udp", "announce", "ok"]


# Addresses


@pytest.mark.parametrize("asked", ["127.0.0.1", "127.0.0.2", "127.8.9.10"])
async def test_an_answer_leaves_from_the_address_that_was_asked(
    tracker: RunningNode, asked: str
) -> None:
    async with udp_peer(tracker.port("udp"), asked, local="127.0.0.1") as peer:
        peer.send(udp.encode_connect_request(b"conn"))
        reply, source = await peer.receive()
        assert asked == source
        connection_id = reply[8:]
        for packet in announce_packet(connection_id), scrape_packet(connection_id, HASH):
            peer.send(packet)
            assert asked == (await peer.receive())[1]


async def test_an_answer_over_ipv6_leaves_from_the_address_that_was_asked(
    tracker: RunningNode,
) -> None:
    async with udp_peer(tracker.port("udp"), "::1") as peer:
        peer.send(udp.encode_connect_request(b"conn"))
        assert "::1" == (await peer.receive())[1]


async def test_the_ip_field_is_ignored(peer: UdpPeer) -> None:
    connection_id = await peer.connect()
    await peer.announce(connection_id, port=1001, ip=b"\x0a\0\0\1")
    reply = await peer.announce(connection_id, port=1002)
    assert (endpoint(1001),) == reply.peers


async def test_the_ip_field_is_believed_where_that_is_set(redis: RedisServer) -> None:
    async with (
        running_node(redis.url, announce={"client_addresses": True}) as tracker,
        udp_peer(tracker.port("udp")) as peer,
        udp_peer(tracker.port("udp"), "::1") as peer6,
    ):
        connection_id = await peer.connect()
        await peer.announce(connection_id, port=1001, ip=b"\x0a\0\0\1")
        reply = await peer.announce(connection_id, port=1002)
        assert (endpoint(1001, "10.0.0.1"),) == reply.peers
        connection_id = await peer6.connect()
        await peer6.announce(connection_id, port=1001, ip=b"\x0a\0\0\1")
        reply = await peer6.announce(connection_id, port=1002)
        assert (endpoint(1001, "::1"),) == reply.peers


# The store is away


async def test_without_redis_the_answer_is_an_error_and_later_all_is_well(
    tracker: RunningNode, redis: RedisServer, peer: UdpPeer
) -> None:
    connection_id = await peer.connect()
    redis.kill()
    await tracker.redis_gone()
    away = "the tracker's store is away"
    reply = await peer.ask(announce_packet(connection_id))
    assert udp.ErrorReply(b"anno", away) == reply
    reply = await peer.ask(scrape_packet(connection_id, HASH))
    assert udp.ErrorReply(b"scra", away) == reply
    assert 1 == tracker.requests["udp", "announce", "unavailable"]
    assert 1 == tracker.requests["udp", "scrape", "unavailable"]
    redis.start()
    await tracker.redis_back()
    await peer.announce(connection_id)


async def test_who_waits_when_redis_goes_is_told(
    tracker: RunningNode, redis: RedisServer, peer: UdpPeer
) -> None:
    connection_id = await peer.connect()
    redis.pause()
    peer.send(announce_packet(connection_id))
    peer.send(scrape_packet(connection_id, HASH))
    await until(lambda: tracker.node.redis.in_flight == 2)
    redis.kill()
    assert {
        udp.ErrorReply(b"anno", "the tracker's store is away"),
        udp.ErrorReply(b"scra", "the tracker's store is away"),
    } == {await peer.reply(), await peer.reply()}


# The end


async def test_what_was_asked_before_a_drain_is_answered_and_no_more(
    tracker: RunningNode, redis: RedisServer, peer: UdpPeer
) -> None:
    connection_id = await peer.connect()
    redis.pause()
    peer.send(announce_packet(connection_id))
    await until(lambda: tracker.node.redis.in_flight == 1)
    await tracker.node.udp.drain()
    peer.send(announce_packet(connection_id, transaction_id=b"late"))
    redis.resume()
    reply = await peer.reply()
    assert b"anno" == reply.transaction_id
    assert 1 == tracker.requests["udp", "announce", "ok"]


async def test_an_answer_that_cannot_be_sent_is_counted_and_serving_goes_on(
    tracker: RunningNode, redis: RedisServer, peer: UdpPeer
) -> None:
    connection_id = await peer.connect()
    # Whom no answer can reach: forged packets may come from port 0.
    tracker.node.udp._sockets[0].send(("127.0.0.1", 0), [], b"x")
    assert 1 == tracker.requests["udp", "reply", "lost"]
    await peer.announce(connection_id)


async def test_ids_are_good_at_each_frontend_that_has_the_secret(redis: RedisServer) -> None:
    settings = {"udp": {"secret": "the same for both"}}
    async with (
        running_node(redis.url, **settings) as one,
        running_node(redis.url, **settings) as two,
        udp_peer(one.port("udp")) as peer,
        udp_peer(two.port("udp")) as other,
    ):
        connection_id = await peer.connect()
        await peer.announce(connection_id, port=1001)
        reply = await other.announce(connection_id, port=1002, peer_id=PEER_ID[::-1])
    assert (endpoint(1001),) == reply.peers
