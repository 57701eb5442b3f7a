"""Malformed requests: the reply each gets, the counter it raises, and that serving goes on."""

import asyncio
from typing import Any

import bencodepy
import pytest

from tests.frontends.clients import (
    HASH,
    PEER_ID,
    announce,
    announce_packet,
    browser,
    get,
    offers,
    query,
    scrape_packet,
    text,
    udp_peer,
)
from tests.nodes import RunningNode, until
from tests.redis_servers import RedisServer
from tracker.wire import udp
from tracker.wire.udp import CONNECT_HEAD

# UDP, with a proven address: an error with the echoed transaction id

TOO_SHORT, NO_HASH, RAGGED = "announce too short", "scrape without info_hash", "ragged scrape"
UNKNOWN = "unknown action"
CUT = announce_packet(bytes(8))[8:]  # an announce without its connection id
PORT_0 = "port 0 can not be connected to"


@pytest.mark.parametrize(
    ("packet", "reason", "counted"),
    [
        (CUT[:8], TOO_SHORT, ("announce", "malformed")),
        (CUT[:9], TOO_SHORT, ("announce", "malformed")),
        (CUT[:89], TOO_SHORT, ("announce", "malformed")),
        (CUT[:-2] + b"\0\0", PORT_0, ("announce", "denied")),
        (b"\0\0\0\2anno", NO_HASH, ("scrape", "malformed")),
        (b"\0\0\0\2anno" + HASH[:19], NO_HASH, ("scrape", "malformed")),
        (b"\0\0\0\2anno" + HASH + b"x", RAGGED, ("scrape", "malformed")),
        (b"\0\0\0\2anno" + HASH * 75, "too many info_hashes, at most 74", ("scrape", "malformed")),
        (b"\0\0\0\2anno" + HASH * 3000, RAGGED, ("scrape", "malformed")),
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


# HTTP: a bencoded failure with status 200, and the connection stays

HASH_SIZE, PEER_SIZE = "info_hash must be 20 bytes", "peer_id must be 20 bytes"
BAD_PORT = "port must be a number from 0 to 65535"


@pytest.mark.parametrize(
    ("target", "reason", "counted"),
    [
        ("/announce", HASH_SIZE, ("announce", "malformed")),
        ("/announce?", HASH_SIZE, ("announce", "malformed")),
        ("/KEY/announce?&&=&a=b&%", HASH_SIZE, ("announce", "malformed")),
        (f"/announce?{query(info_hash=None)}", HASH_SIZE, ("announce", "malformed")),
        (f"/announce?{query(info_hash=HASH[1:])}", HASH_SIZE, ("announce", "malformed")),
        (f"/announce?{query(info_hash=HASH + b'x')}", HASH_SIZE, ("announce", "malformed")),
        (f"/announce?{query(info_hash=HASH.hex())}", HASH_SIZE, ("announce", "malformed")),
        (f"/announce?{query(info_hash='%zz' * 9)}", HASH_SIZE, ("announce", "malformed")),
        (f"/announce?info_hash=x&{query()}", HASH_SIZE, ("announce", "malformed")),
        (f"/announce?{query(peer_id=None)}", PEER_SIZE, ("announce", "malformed")),
        (f"/announce?{query(peer_id=PEER_ID * 2)}", PEER_SIZE, ("announce", "malformed")),
        (f"/announce?{query(port=None)}", BAD_PORT, ("announce", "malformed")),
        (f"/announce?{query(port='x')}", BAD_PORT, ("announce", "malformed")),
        (f"/announce?{query(port=-1)}", BAD_PORT, ("announce", "malformed")),
        (f"/announce?{query(port=65536)}", BAD_PORT, ("announce", "malformed")),
        (f"/announce?{query(port='9' * 5000)}", BAD_PORT, ("announce", "malformed")),
        (f"/announce?{query(port=0)}", PORT_0, ("announce", "denied")),
        ("/scrape", "full scrape is off, name an info_hash", ("scrape", "malformed")),
        ("/scrape?info_hash=", HASH_SIZE, ("scrape", "malformed")),
        (f"/scrape?{query()}&info_hash=x", HASH_SIZE, ("scrape", "malformed")),
        (
            "/scrape?" + "&".join([f"info_hash={'x' * 20}"] * 101),
            "too many info_hashes, at most 100",
            ("scrape", "malformed"),
        ),
    ],
)
async def test_a_malformed_query_is_a_failure_and_the_connection_stays(
    tracker: RunningNode, target: str, reason: str, counted: tuple[str, str]
) -> None:
    peer = await tracker.tcp()
    reply = await peer.ask(get(target))
    assert (200, "text/plain") == (reply.status, reply.headers["content-type"])
    assert {b"failure reason": reason.encode()} == bencodepy.decode(reply.body)
    assert 1 == tracker.requests["http", *counted]
    assert b"interval" in (await peer.ask(announce())).body


# What is lenient: odd values of fields that an announce can do without


@pytest.mark.parametrize(
    "changed",
    [
        {"numwant": -1},
        {"numwant": ""},
        {"numwant": "x"},
        {"numwant": 0xFFFFFFFF},
        {"event": ""},
        {"event": "paused"},
        {"event": "%ff"},
        {"compact": "x"},
        {"left": "-1"},
        {"left": 2**64},
        {"port": 65535},
        {"info_hash": HASH + bytes(12)},
        {"info_hash": "+" * 20},
        {"info_hash": "a;b" + "x" * 17},
        {"uploaded": "x", "downloaded": None, "key": "%00", "ip": "%", "no_peer_id": ""},
    ],
)
async def test_odd_values_are_no_failure(tracker: RunningNode, changed: dict[str, Any]) -> None:
    peer = await tracker.tcp()
    assert b"10:incompletei1e" in (await peer.ask(announce(**changed))).body


# HTTP: what is no BitTorrent gets a status, and the connection is over


@pytest.mark.parametrize(
    ("data", "status", "reason"),
    [
        (b"garbage\r\n\r\n", 400, "malformed"),
        (b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03\r\n\r\n", 400, "malformed"),
        (get("/announce", "Content-Length: x"), 400, "malformed"),
        (get("/announce", " folded: x"), 400, "malformed"),
        (get(f"/announce?{query()}", version="1.x"), 400, "malformed"),
        (get("/announce?info_hash=\xff"), 400, "malformed"),
        (get("/announce", method="POST"), 405, None),
        (get("/scrape", method="DELETE"), 405, None),
        (get("/announce", "Content-Length: 5"), 413, None),
        (get("/announce", "Transfer-Encoding: chunked"), 413, None),
        (b"GET /announce?" + b"x" * 8200, 431, "head"),
        (get("/announce", "X: " + "x" * 8192), 431, "head"),
        (b"\0" * 8193, 431, "head"),
    ],
)
@pytest.mark.parametrize("kept", [False, True])
async def test_what_is_no_request_of_ours_gets_a_status_and_the_end(
    tracker: RunningNode, data: bytes, status: int, reason: str | None, kept: bool
) -> None:
    peer = await tracker.tcp()
    if kept:
        assert 200 == (await peer.ask(announce())).status
    reply = await peer.ask(data)
    assert (status, "close") == (reply.status, reply.headers["connection"])
    assert b"" == await peer.rest()
    assert 1 == tracker.requests["http", "other", str(status)]
    assert ({("http", reason): 1} if reason else {}) == tracker.closed
    assert 200 == (await (await tracker.tcp()).ask(announce())).status


async def test_a_refused_head_request_gets_no_body(tracker: RunningNode) -> None:
    peer = await tracker.tcp()
    await peer.send(get("/announce", "Content-Length: 5", method="HEAD"))
    assert 413 == (await peer.reply(head_only=True)).status
    assert b"" == await peer.rest()


async def test_what_follows_a_refusal_in_a_pipeline_is_not_answered(tracker: RunningNode) -> None:
    peer = await tracker.tcp()
    await peer.send(announce() + get("/scrape", method="PUT") + announce())
    assert [200, 405] == [(await peer.reply()).status for _ in range(2)]
    assert b"" == await peer.rest()
    assert 1 == tracker.requests["http", "announce", "ok"]


async def test_the_largest_head_is_served(tracker: RunningNode) -> None:
    head = announce("X: ")
    filled = announce("X: " + "x" * (8192 + 4 - len(head)))
    assert 8192 + 4 == len(filled)
    assert 200 == (await (await tracker.tcp()).ask(filled)).status


@pytest.mark.parametrize("kept", [False, True])
async def test_a_slow_sender_is_cut_off(tracker: RunningNode, kept: bool) -> None:
    peer = await tracker.tcp()
    if kept:
        assert 200 == (await peer.ask(announce())).status
    await peer.send(announce()[:9])
    await until(lambda: [c._buffer for c in tracker.node._doors[0]._open] == [announce()[:9]])
    tracker.pass_time(6)
    await peer.send(announce()[9:20])  # does not win more time
    await until(lambda: [c._buffer for c in tracker.node._doors[0]._open] == [announce()[:20]])
    assert {} == tracker.closed
    tracker.pass_time(5)
    assert 408 == (await peer.reply()).status
    assert b"" == await peer.rest()
    assert {("http", "slow"): 1} == tracker.closed
    assert 1 == tracker.requests["http", "other", "408"]
    assert 200 == (await (await tracker.tcp()).ask(announce())).status


async def test_a_client_that_waits_for_a_slow_answer_is_not_cut_off(
    tracker: RunningNode, redis: RedisServer
) -> None:
    peer = await tracker.tcp()
    redis.pause()
    await peer.send(announce() + announce()[:5])
    await until(lambda: tracker.node.pipeline.in_flight == 1)
    for _ in range(10):
        tracker.pass_time(10)
    assert {} == tracker.closed
    redis.resume()
    assert 200 == (await peer.reply()).status
    assert 200 == (await peer.ask(announce()[5:])).status


# WebSocket: an error, and the socket stays. What cuts it is in test_websocket.py.

ID_CHARACTERS = "must be 20 characters from 0 to 255"
OFFER = offers(1)[0]


@pytest.mark.parametrize(
    ("changed", "reason", "action"),
    [
        ({"info_hash": None}, "info_hash must be a string", "announce"),
        ({"info_hash": text(HASH)[1:]}, f"info_hash {ID_CHARACTERS}", "announce"),
        ({"info_hash": "\u0100" * 20}, f"info_hash {ID_CHARACTERS}", "announce"),
        ({"info_hash": [text(HASH)]}, "info_hash must be a string", "announce"),
        ({"peer_id": ""}, f"peer_id {ID_CHARACTERS}", "announce"),
        ({"peer_id": "x" * 21}, f"peer_id {ID_CHARACTERS}", "announce"),
        ({"action": "relay"}, "action must be announce or scrape", "announce"),
        ({"action": ""}, "action must be announce or scrape", "announce"),
        ({"offers": [OFFER | {"offer": "sdp"}]}, "offer must be an object", "announce"),
        (
            {"offers": [OFFER | {"offer_id": 5}]},
            "offer_id must be a string of at most 64 characters",
            "announce",
        ),
        (
            {"offers": [OFFER | {"offer_id": "x" * 500}]},
            "offer_id must be a string of at most 64 characters",
            "announce",
        ),
        ({"answer": {}}, f"to_peer_id {ID_CHARACTERS}", "announce"),
        ({"answer": "x", "to_peer_id": "x" * 20}, "answer must be an object", "announce"),
        (
            {"answer": {}, "to_peer_id": "x" * 20},
            "offer_id must be a string of at most 64 characters",
            "announce",
        ),
        (
            {"action": "scrape", "info_hash": None},
            "full scrape is off, name an info_hash",
            "scrape",
        ),
        ({"action": "scrape", "info_hash": []}, "full scrape is off, name an info_hash", "scrape"),
        ({"action": "scrape", "info_hash": "x"}, f"info_hash {ID_CHARACTERS}", "scrape"),
    ],
)
async def test_a_malformed_message_gets_an_error_and_the_socket_stays(
    tracker: RunningNode, changed: dict[str, Any], reason: str, action: str
) -> None:
    async with browser(tracker) as one:
        request = one.request(**changed)
        await one.say(**request)
        expected = {"action": action, "failure reason": reason}
        if request["info_hash"] == text(HASH):
            expected["info_hash"] = text(HASH)
        assert expected == await one.hear()
        assert 1 == tracker.requests["ws", action, "malformed"]
        await one.announce()


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"x",
        b"{",
        b"[]",
        b"null",
        b"5",
        b'"announce"',
        b"{}",
        b'{"action":5}',
        b'{"action":"announce","info_hash":{}}',
        b'{"action":"announce","offers":{}}',
        b'{"action":"announce","offers":[null]}',
        b'{"action":"announce","offers":[{"offer":{}}]}',
        b'{"action":"announce","info_hash":"\xff\xfe"}',
        b'{"action":"announce","info_hash":"\\ud800"}',
        b'{"action":"announce","x":"\xff"}',
        b'{"action":"announce","x":' + b"[" * 5000,
        b'{"action":"announce","x":' + b"[" * 5000 + b"]" * 5000 + b"}",
        b"\xef\xbb\xbf{}",
    ],
)
async def test_what_is_no_message_gets_an_error_and_the_socket_stays(
    tracker: RunningNode, message: bytes
) -> None:
    async with browser(tracker) as one:
        await one.socket.send(message, text=True)
        error = await one.hear()
        assert {"action", "failure reason"} == error.keys()
        assert "announce" == error["action"]
        assert 1 == tracker.requests["ws", "announce", "malformed"]
        await one.announce()


async def test_a_scrape_of_too_many_swarms_is_denied(tracker: RunningNode) -> None:
    async with browser(tracker) as one:
        await one.say(action="scrape", info_hash=[f"{number:020}" for number in range(101)])
        assert {
            "action": "scrape",
            "failure reason": "too many info_hashes, at most 100",
        } == await one.hear()
        assert 1 == tracker.requests["ws", "scrape", "denied"]
        await one.announce()


# All at once


async def test_good_requests_are_served_beside_bad_ones(tracker: RunningNode) -> None:
    async def bad_then_good(number: int) -> None:
        peer = await tracker.tcp()
        await peer.send(b"%d garbage\r\n\r\n" % number)
        assert 400 == (await peer.reply()).status
        assert 200 == (await (await tracker.tcp()).ask(announce(port=1 + number))).status

    await asyncio.gather(*map(bad_then_good, range(50)))
    assert {("http", "malformed"): 50} == tracker.closed
