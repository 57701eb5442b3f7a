"""Malformed datagrams: the reply each gets, the counter it raises, and that serving goes on."""

import pytest

from tests.frontends.clients import (
    HASH,
    announce_packet,
    scrape_packet,
    udp_peer,
)
from tests.nodes import RunningNode
from tracker.model import Counts
from tracker.wire import udp
from tracker.wire.udp import CONNECT_HEAD

# UDP, with a proven address: an error with the echoed transaction id

TOO_SHORT, NO_HASH = "announce too short", "scrape without info_hash"
TOO_MANY = "too many info_hashes, at most 74"
UNKNOWN = "unknown action"
CUT = announce_packet(bytes(8))[8:]  # an announce without its connection id


@pytest.mark.parametrize(
    ("packet", "reason", "counted"),
    [
        (CUT[:8], TOO_SHORT, ("announce", "malformed")),
        (CUT[:9], TOO_SHORT, ("announce", "malformed")),
        (CUT[:89], TOO_SHORT, ("announce", "malformed")),
        (b"\0\0\0\2anno", NO_HASH, ("scrape", "malformed")),
        (b"\0\0\0\2anno" + HASH[:19], NO_HASH, ("scrape", "malformed")),
        (b"\0\0\0\2anno" + HASH * 75, TOO_MANY, ("scrape", "malformed")),
        (b"\0\0\0\2anno" + HASH * 3000, TOO_MANY, ("scrape", "malformed")),
        (b"\0\0\0\0anno", UNKNOWN, ("connect", "malformed")),
        (b"\0\0\0\3anno", UNKNOWN, ("unknown", "malformed")),
        (b"\0\0\0\4anno" + CUT[8:], UNKNOWN, ("unknown", "malformed")),
        (b"\xff\xff\xff\xffanno" + CUT[8:], UNKNOWN, ("unknown", "malformed")),
        (b"\1\0\0\0anno" + CUT[8:], UNKNOWN, ("unknown", "malformed")),  # of the wrong byte order
    ],
)
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_a_malformed_packet_gets_an_error(
    tracker: RunningNode, host: str, packet: bytes, reason: str, counted: tuple[str, str]
) -> None:
    async with udp_peer(tracker.port("udp"), host) as peer:
        connection_id = await peer.connect()
        assert udp.ErrorReply(b"anno", reason) == await peer.ask(connection_id + packet)
        assert 1 == tracker.requests["udp", *counted]
        await peer.announce(connection_id)


async def test_an_incomplete_hash_costs_the_others_of_a_scrape_nothing(
    tracker: RunningNode,
) -> None:
    async with udp_peer(tracker.port("udp")) as peer:
        connection_id = await peer.connect()
        reply = await peer.ask(connection_id + b"\0\0\0\2anno" + HASH + b"x")
        assert udp.ScrapeReply(b"anno", (Counts(0, 0, 0),)) == reply
    assert {("udp", "info_hash"): 1} == tracker.node.metrics.unusable


# UDP, with an address that proved nothing: silence


@pytest.mark.parametrize(
    "packet",
    [
        b"x",
        CONNECT_HEAD[:11],
        CONNECT_HEAD,
        CONNECT_HEAD + b"con",
        b"\0" * 16,
        CONNECT_HEAD[::-1] + b"conn",
        bytes(8) + CUT,
        b"\xff" * 8 + CUT,
        CONNECT_HEAD[:8] + CUT,
        scrape_packet(b"\xff" * 8, HASH),
        b"GET / HTTP/1.1\r\n\r\n",
        b"d1:ad2:id20:abcdefghij0123456789e1:q4:ping1:t2:aa1:y1:qe",  # of the DHT
        b"\0" * 2000,
    ],
)
async def test_an_unproven_address_hears_nothing(tracker: RunningNode, packet: bytes) -> None:
    async with udp_peer(tracker.port("udp")) as peer:
        peer.send(packet)
        connection_id = await peer.connect()  # the first that is heard
        await peer.announce(connection_id)
    assert 1 == tracker.requests["udp", "unproven", "silent"]


async def test_another_address_s_id_proves_nothing(tracker: RunningNode) -> None:
    port = tracker.port("udp")
    async with udp_peer(port) as peer, udp_peer(port, local="127.0.0.2") as thief:
        connection_id = await peer.connect()
        thief.send(announce_packet(connection_id))
        thief.send(scrape_packet(connection_id, HASH))
        await thief.announce(await thief.connect())
        await peer.announce(connection_id)
    assert 2 == tracker.requests["udp", "unproven", "silent"]


async def test_an_old_id_proves_nothing_any_more(
    tracker: RunningNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    start_s = tracker.node.udp._clock()
    async with udp_peer(tracker.port("udp")) as peer:
        connection_id = await peer.connect()
        monkeypatch.setattr(tracker.node.udp, "_clock", lambda: start_s + 120)
        await peer.announce(connection_id)
        monkeypatch.setattr(tracker.node.udp, "_clock", lambda: start_s + 240)
        peer.send(announce_packet(connection_id))
        await peer.announce(await peer.connect())
    assert 1 == tracker.requests["udp", "unproven", "silent"]


async def test_a_connect_is_answered_with_no_more_than_it_sent(tracker: RunningNode) -> None:
    async with udp_peer(tracker.port("udp")) as peer:
        for packet in CONNECT_HEAD + b"conn", CONNECT_HEAD + b"conn" + b"x" * 500:
            peer.send(packet)
            reply, _ = await peer.receive()
            assert (16, b"\0\0\0\0conn") == (len(reply), reply[:8])
