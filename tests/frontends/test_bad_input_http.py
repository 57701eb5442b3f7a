"""Malformed HTTP requests: the reply each gets, the counter it raises, and that serving goes on."""

import asyncio
import ssl
from collections.abc import Sequence
from typing import Any

import bencodepy
import pytest

from tests.frontends.clients import (
    HASH,
    PEER_ID,
    announce,
    announced,
    get,
    query,
)
from tests.nodes import RunningNode, until
from tests.redis_servers import RedisServer
from tracker.settings import HttpSettings

MOST = HttpSettings().max_fields
UPGRADE = "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13"
CHUNKED = "Transfer-Encoding: chunked"
FULL = get("/announce", CHUNKED, "X: ".ljust(8192 + 4 - len(get("/announce", CHUNKED, "")), "x"))
# A bencoded failure with status 200, and the connection stays

HASH_SIZE, PEER_SIZE = "info_hash must be 20 bytes", "peer_id must be 20 bytes"


@pytest.mark.parametrize("port", ["x", -1, 65_536, "6881.0", "9" * 5000])
async def test_an_announce_with_a_port_that_is_none_gets_peers_and_is_not_listed(
    tracker: RunningNode, port: str | int
) -> None:
    peer = await tracker.tcp()
    await announced(peer, port=7001)
    for _ in range(2):
        assert 1 == (await announced(peer, port=port))[b"incomplete"]
    assert 2 == tracker.node.metrics.unusable["http", "port"]


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
        ("/scrape", "full scrape is off, name an info_hash", ("scrape", "malformed")),
        ("/scrape?info_hash=", HASH_SIZE, ("scrape", "malformed")),
        ("/scrape?info_hash=x&info_hash=y", HASH_SIZE, ("scrape", "malformed")),
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


# What is no BitTorrent gets a status, and the connection is over


@pytest.mark.parametrize(
    ("data", "status", "reason"),
    [
        (b"garbage\r\n\r\n", 400, "malformed"),
        (b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03\r\n\r\n", 400, "malformed"),
        (b"\x16", 400, "tls"),
        (b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03" + bytes(32), 400, "tls"),
        (b"\x16" + bytes(8195), 400, "tls"),
        (get("/announce", "Content-Length: x"), 400, "malformed"),
        (get("/announce", " folded: x"), 400, "malformed"),
        (get(f"/announce?{query()}", version="1.x"), 400, "malformed"),
        (get("/announce?info_hash=\xff"), 400, "malformed"),
        (get("/announce", method="POST"), 405, None),
        (get("/scrape", method="DELETE"), 405, None),
        (get("/announce", "Content-Length: 5"), 413, None),
        (get("/announce", CHUNKED) + b"4\r\nbody\r\n0\r\n\r\n", 413, None),
        (get("/announce", CHUNKED) + announce(), 413, None),
        (get("/announce", CHUNKED, method="POST"), 405, None),
        (get("/announce", CHUNKED, "Content-Length: 0"), 400, "malformed"),
        (get("/announce", CHUNKED, version="1.0") + b"0\r\n\r\n", 400, "malformed"),
        (get("/announce", "Transfer-Encoding: gzip, chunked"), 400, "malformed"),
        (get("/announce", "Content-Length: 0", "Content-Length: 5"), 400, "malformed"),
        (get("/announce", "Content-Length: 5", "Content-Length: 5"), 400, "malformed"),
        (FULL, 431, "head"),
        (b"GET /announce?" + b"x" * 8200, 431, "head"),
        (get("/announce", "X: " + "x" * 8192), 431, "head"),
        (b"\0" * 8196, 431, "head"),
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


@pytest.mark.parametrize("protocol", ["http", "ws"])
async def test_a_tls_client_learns_at_once_that_the_port_speaks_no_tls(
    tracker: RunningNode, protocol: str
) -> None:
    with pytest.raises(ssl.SSLError, match="WRONG_VERSION_NUMBER"):
        await tracker.tcp(protocol=protocol, ssl=ssl.create_default_context())
    assert {("http", "tls"): 1} == tracker.closed
    await until(lambda: tracker.connections == 0)


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
    await until(lambda: [c._buffer for c in tracker.http] == [announce()[:9]])
    tracker.pass_time(6)
    await peer.send(announce()[9:20])  # does not win more time
    await until(lambda: [c._buffer for c in tracker.http] == [announce()[:20]])
    assert {} == tracker.closed
    tracker.pass_time(5)
    assert 408 == (await peer.reply()).status
    assert b"" == await peer.rest()
    assert {("http", "slow"): 1} == tracker.closed
    assert 1 == tracker.requests["http", "other", "408"]
    assert 200 == (await (await tracker.tcp()).ask(announce())).status


@pytest.mark.parametrize("body", [b"", b"0\r\n"])
@pytest.mark.parametrize("kept", [False, True])
async def test_an_incomplete_body_is_cut_off(tracker: RunningNode, kept: bool, body: bytes) -> None:
    peer = await tracker.tcp()
    if kept:
        assert 200 == (await peer.ask(announce())).status
    head = announce(CHUNKED)
    await peer.send(head + body)
    await until(lambda: [c._buffer for c in tracker.http] == [head + body])
    tracker.pass_time(9)
    assert {} == tracker.closed
    tracker.pass_time(2)
    assert 408 == (await peer.reply()).status
    assert b"" == await peer.rest()
    assert {("http", "slow"): 1} == tracker.closed


async def test_a_client_that_waits_for_a_slow_answer_is_not_cut_off(
    tracker: RunningNode, redis: RedisServer
) -> None:
    peer = await tracker.tcp()
    redis.pause()
    await peer.send(announce() + announce()[:5])
    await until(lambda: tracker.node.redis.in_flight == 1)
    for _ in range(10):
        tracker.pass_time(10)
    assert {} == tracker.closed
    redis.resume()
    assert 200 == (await peer.reply()).status
    assert 200 == (await peer.ask(announce()[5:])).status


# All at once


async def test_good_requests_are_served_beside_bad_ones(tracker: RunningNode) -> None:
    async def bad_then_good(number: int) -> None:
        peer = await tracker.tcp()
        await peer.send(b"%d garbage\r\n\r\n" % number)
        assert 400 == (await peer.reply()).status
        assert 200 == (await (await tracker.tcp()).ask(announce(port=1 + number))).status

    await asyncio.gather(*map(bad_then_good, range(50)))
    assert {("http", "malformed"): 50} == tracker.closed


async def test_the_headers_of_a_request_for_a_page_do_not_matter(
    tracker: RunningNode, caplog: pytest.LogCaptureFixture
) -> None:
    peer = await tracker.tcp()
    many = [f"X-{number}: y" for number in range(99)]
    reply = await peer.ask(get("/stats", *many))
    assert 200 == reply.status
    assert [] == caplog.records


@pytest.mark.parametrize("headers", [(), UPGRADE])
async def test_too_many_headers_are_refused(tracker: RunningNode, headers: Sequence[str]) -> None:
    peer = await tracker.tcp()
    many = [f"X-{number}: y" for number in range(100)]
    assert 431 == (await peer.ask(get("/announce", *many, *headers))).status
    assert b"" == await peer.rest()
    assert {("http", "head"): 1} == tracker.closed


@pytest.mark.parametrize(
    ("path", "most"), [("/announce?", MOST), ("/scrape?", MOST + HttpSettings().max_scrape)]
)
async def test_too_many_parameters_are_refused_before_they_are_read(
    tracker: RunningNode, path: str, most: int
) -> None:
    peer = await tracker.tcp()
    assert b"too many parameters" not in (await peer.ask(get(path + "&" * most))).body
    assert b"too many parameters" in (await peer.ask(get(path + "&" * (most + 1)))).body


@pytest.mark.parametrize(
    ("header", "body"), [("Content-Length: 5", b"12345"), (CHUNKED, b"1\r\na\r\n0\r\n\r\n")]
)
async def test_a_websocket_that_begins_with_a_body_is_refused(
    tracker: RunningNode, header: str, body: bytes
) -> None:
    peer = await tracker.tcp()
    key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
    assert 413 == (await peer.ask(get("/announce", *UPGRADE, key, header) + body)).status
    assert b"" == await peer.rest()
