"""Browsers' sockets: handshakes, frames, pings, limits and ends."""

import asyncio
import gc
import json
import socket
from itertools import count

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.frames import CloseCode, Frame, Opcode
from websockets.http11 import Request

from tests.frontends.clients import HASH, announce, browser, get
from tests.nodes import RunningNode, TcpPeer, running_node, until
from tests.redis_servers import RedisServer
from tracker.frontends.session import Session
from tracker.model import Offer, Signal, SignalKind

UPGRADE = (
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
)
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="  # RFC 6455, section 1.3, for the key above
ME, OTHER = (b"-WW0001-%012d" % number for number in range(2))
ANNOUNCE = json.dumps(
    {
        "action": "announce",
        "info_hash": HASH.decode("latin-1"),
        "peer_id": ME.decode(),
        "left": 0,
    }
).encode()
WRONG = b"\x83\x80\0\0\0\0"  # a frame with an unknown opcode, 3
SCRAPE = json.dumps({"action": "scrape", "info_hash": HASH.decode("latin-1")}).encode()


def frame(opcode: Opcode, data: bytes = b"", *, fin: bool = True) -> bytes:
    """One frame as a browser sends it."""
    return Frame(opcode, data, fin).serialize(mask=True)


async def opened(tracker: RunningNode) -> TcpPeer:
    """A connection on which frames can be sent byte by byte."""
    peer = await tracker.tcp(protocol="ws")
    await peer.send(get("/", *UPGRADE))
    assert b"101" in await peer.reader.readuntil(b"\r\n\r\n")
    return peer


async def read_frame(peer: TcpPeer) -> tuple[Opcode, bytes]:
    """The next frame from the tracker, which is never masked or fragmented."""
    async with asyncio.timeout(10):
        first, size = await peer.reader.readexactly(2)
        if size == 126:
            size = int.from_bytes(await peer.reader.readexactly(2), "big")
        return Opcode(first & 0xF), await peer.reader.readexactly(size)


async def close_code(peer: TcpPeer) -> int:
    """The code of the close frame that comes next."""
    opcode, data = await read_frame(peer)
    assert Opcode.CLOSE is opcode, data
    return int.from_bytes(data[:2], "big")


@pytest.fixture
async def peer(tracker: RunningNode) -> TcpPeer:
    return await opened(tracker)


# Messages


@pytest.mark.parametrize("opcode", [Opcode.TEXT, Opcode.BINARY])
@pytest.mark.parametrize("parts", [1, 2, 3])
async def test_a_message_may_be_binary_and_in_fragments(
    tracker: RunningNode, peer: TcpPeer, opcode: Opcode, parts: int
) -> None:
    size = -(-len(SCRAPE) // parts)
    for at in range(parts):
        part = SCRAPE[at * size : (at + 1) * size]
        await peer.send(frame(Opcode.CONT if at else opcode, part, fin=at == parts - 1))
    assert Opcode.TEXT is (await read_frame(peer))[0]
    assert 1 == tracker.requests["ws", "scrape", "ok"]


# Handshakes


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (WRONG, CloseCode.PROTOCOL_ERROR),
        (frame(Opcode.CLOSE, CloseCode.GOING_AWAY.to_bytes(2, "big")), CloseCode.GOING_AWAY),
        (b"\xff\xff", CloseCode.PROTOCOL_ERROR),
    ],
    ids=range(3),  # frames are masked at random
)
async def test_frames_right_behind_the_handshake_are_read_after_it(
    tracker: RunningNode, sent: bytes, code: CloseCode
) -> None:
    peer = await tracker.tcp(protocol="ws")
    await peer.send(get("/", *UPGRADE) + sent)
    assert b"101" in await peer.reader.readuntil(b"\r\n\r\n")
    assert code == await close_code(peer)


@pytest.mark.parametrize("path", ["/", "/announce", "/announce?x=1", "/any/path/at%20all"])
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_any_path_is_served(tracker: RunningNode, path: str, host: str) -> None:
    async with browser(tracker, path=path, host=host) as one:
        assert 1 == (await one.announce())["incomplete"]


async def test_the_head_may_come_byte_by_byte_and_frames_right_after_it(
    tracker: RunningNode,
) -> None:
    peer = await tracker.tcp(protocol="ws")
    peer.writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    head = get("/", *UPGRADE)
    for byte in head[:-1]:
        await peer.send(bytes([byte]))
    await peer.send(head[-1:] + frame(Opcode.TEXT, SCRAPE))
    answer = await peer.reader.readuntil(b"\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 101 ")
    assert f"Sec-WebSocket-Accept: {ACCEPT}\r\n".encode() in answer
    assert Opcode.TEXT is (await read_frame(peer))[0]


async def test_a_socket_may_begin_on_a_kept_connection(tracker: RunningNode) -> None:
    peer = await tracker.tcp()
    assert 200 == (await peer.ask(announce())).status
    await peer.send(announce() + get("/announce", *UPGRADE) + frame(Opcode.TEXT, SCRAPE))
    assert 200 == (await peer.reply()).status
    assert b"101" in await peer.reader.readuntil(b"\r\n\r\n")
    assert Opcode.TEXT is (await read_frame(peer))[0]
    assert 1 == len(tracker.node.sessions)


# Frames


async def test_a_message_may_come_in_fragments_with_pings_in_between(peer: TcpPeer) -> None:
    await peer.send(
        frame(Opcode.TEXT, SCRAPE[:7], fin=False)
        + frame(Opcode.PING, b"still here?")
        + frame(Opcode.CONT, b"", fin=False)
        + frame(Opcode.CONT, SCRAPE[7:20], fin=False)
        + frame(Opcode.CONT, SCRAPE[20:])
    )
    assert (Opcode.PONG, b"still here?") == await read_frame(peer)
    opcode, data = await read_frame(peer)
    assert (Opcode.TEXT, "scrape") == (opcode, json.loads(data)["action"])


async def test_frames_may_come_byte_by_byte(peer: TcpPeer) -> None:
    for byte in frame(Opcode.TEXT, SCRAPE):
        await peer.send(bytes([byte]))
    assert Opcode.TEXT is (await read_frame(peer))[0]


async def test_messages_in_one_segment_are_all_answered(peer: TcpPeer) -> None:
    await peer.send(frame(Opcode.TEXT, SCRAPE) * 20)
    assert [Opcode.TEXT] * 20 == [(await read_frame(peer))[0] for _ in range(20)]


async def test_a_browser_that_closes_is_answered_and_gone(tracker: RunningNode) -> None:
    async with browser(tracker) as one:
        await one.announce()
        await one.socket.close(1000, "bye")
        assert (1000, "bye") == (one.socket.close_code, one.socket.close_reason)
    await until(lambda: tracker.connections == 0)
    async with browser(tracker) as other:
        assert 0 == (await other.scrape())[HASH.decode("latin-1")]["incomplete"]
    assert {} == tracker.closed


async def test_a_browser_that_just_hangs_up_is_gone_too(tracker: RunningNode) -> None:
    peer = await opened(tracker)
    await peer.close()
    await until(lambda: len(tracker.node.sessions) == 0)
    assert 0 == tracker.connections


async def test_the_longest_message_allowed_is_served(tracker: RunningNode) -> None:
    async with browser(tracker) as one:
        message = json.dumps(one.request())
        await one.socket.send(message[:-1] + " " * (65_536 - len(message)) + "}")
        assert 1 == (await one.hear())["incomplete"]


async def test_neither_the_handshake_nor_a_message_stays_in_memory(tracker: RunningNode) -> None:
    peer = await opened(tracker)
    for data in (b"x" * 60_000, b"x" * 5000):
        await peer.send(frame(Opcode.TEXT, data))
        await read_frame(peer)  # that this is no message
    kept = [
        each
        for each in gc.get_objects()
        if isinstance(each, Request) or (isinstance(each, Frame) and len(each.data) > 4096)
    ]
    assert [] == kept


# Ends that the tracker makes


@pytest.mark.parametrize(
    ("data", "code", "reason"),
    [
        (frame(Opcode.TEXT, b"x" * 65_537)[:1000], CloseCode.MESSAGE_TOO_BIG, "size"),
        (
            frame(Opcode.TEXT, b"x" * 65_000, fin=False) + frame(Opcode.CONT, b"x" * 537)[:8],
            CloseCode.MESSAGE_TOO_BIG,
            "size",
        ),
        (b"\x81\x02{}", CloseCode.PROTOCOL_ERROR, "protocol"),  # not masked
        (b"\xc1\x82\0\0\0\0{}", CloseCode.PROTOCOL_ERROR, "protocol"),  # a reserved bit
        (frame(Opcode.CONT, SCRAPE), CloseCode.PROTOCOL_ERROR, "protocol"),
        (frame(Opcode.TEXT, b"{", fin=False) * 2, CloseCode.PROTOCOL_ERROR, "protocol"),
        (WRONG, CloseCode.PROTOCOL_ERROR, "protocol"),  # opcode 3
        (b"\x09\x80\0\0\0\0", CloseCode.PROTOCOL_ERROR, "protocol"),  # a ping in fragments
        (b"\x89\xfe\0\x7e" + bytes(130), CloseCode.PROTOCOL_ERROR, "protocol"),  # of 126 bytes
        (b"\x88\x81\0\0\0\0x", CloseCode.PROTOCOL_ERROR, "protocol"),  # close with half a code
    ],
    ids=range(10),
)
async def test_frames_that_no_browser_sends_end_the_socket(
    tracker: RunningNode, peer: TcpPeer, data: bytes, code: int, reason: str
) -> None:
    await peer.send(data)
    assert code == await close_code(peer)
    assert {("ws", reason): 1} == tracker.closed
    await peer.send(frame(Opcode.CLOSE, code.to_bytes(2, "big")))
    assert b"" == await peer.rest()
    async with browser(tracker) as other:
        await other.announce()


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (UPGRADE[1:], 426),
        ((*UPGRADE[:2], "Sec-WebSocket-Version: 8", UPGRADE[3]), 400),
        ((*UPGRADE[:3], "Sec-WebSocket-Key: short"), 400),
    ],
)
async def test_a_bad_handshake_is_refused(
    tracker: RunningNode, headers: tuple[str, ...], status: int
) -> None:
    peer = await tracker.tcp(protocol="ws")
    assert status == (await peer.ask(get("/", *headers))).status
    assert b"" == await peer.rest()
    assert {("ws", "handshake"): 1} == tracker.closed


async def test_a_handshake_that_is_no_get_is_cut(tracker: RunningNode) -> None:
    peer = await tracker.tcp(protocol="ws")
    await peer.send(get("/", *UPGRADE, method="POST"))
    await peer.rest()
    assert {("ws", "handshake"): 1} == tracker.closed


async def test_what_comes_after_our_close_is_not_read(tracker: RunningNode, peer: TcpPeer) -> None:
    await peer.send(WRONG + frame(Opcode.TEXT, SCRAPE) + WRONG)
    assert CloseCode.PROTOCOL_ERROR == await close_code(peer)
    await peer.send(frame(Opcode.CLOSE, b"\x03\xeb"))
    assert b"" == await peer.rest()
    assert 0 == tracker.requests["ws", "scrape", "ok"]


async def test_a_browser_that_won_t_close_is_cut(tracker: RunningNode, peer: TcpPeer) -> None:
    (socket,) = tracker.node.websocket.connections
    socket.close(CloseCode.GOING_AWAY, "reconnect")
    assert CloseCode.GOING_AWAY == await close_code(peer)
    tracker.pass_time(4)
    assert 1 == tracker.connections
    tracker.pass_time(2)
    assert b"" == await peer.rest()
    assert {("ws", "close"): 1} == tracker.closed


async def test_pings_keep_a_socket_and_silence_ends_it(tracker: RunningNode, peer: TcpPeer) -> None:
    for _ in range(5):
        tracker.pass_time(31)
        assert (Opcode.PING, b"") == await read_frame(peer)
        (session,) = tracker.node.sessions
        await peer.send(frame(Opcode.PONG))
        await until(lambda session=session: session._silent_s == 0)  # type: ignore[misc]
    for _ in range(3):
        tracker.pass_time(31)
        assert (Opcode.PING, b"") == await read_frame(peer)
    tracker.pass_time(31)
    assert b"" == await peer.rest()
    assert {("ws", "idle"): 1} == tracker.closed


async def test_a_handshake_that_failed_and_a_client_that_stays_is_cut(
    tracker: RunningNode,
) -> None:
    peer = await tracker.tcp(protocol="ws")
    await peer.send(get("/", *UPGRADE[1:]))
    await peer.rest()
    await until(lambda: tracker.connections == 0)


async def test_a_browser_that_does_not_read_is_cut(redis: RedisServer) -> None:
    async with running_node(redis.url, ws={"max_buffer": 65_536}) as tracker:
        peer = await opened(tracker)
        peer.writer.transport.pause_reading()  # type: ignore[attr-defined]
        (session,) = tracker.node.sessions
        async with browser(tracker) as other:
            for _ in range(1000):
                if tracker.closed:
                    break
                session.send(b" " * 60_000)
                await asyncio.sleep(0)
            assert {("ws", "slow"): 1} == tracker.closed
            session.send(b"nobody is there")
            await other.announce()
        assert {("ws", "slow"): 1} == tracker.closed


@pytest.mark.parametrize("kind", ["offer", "answer"])
async def test_a_browser_is_not_cut_for_what_others_send(tracker: RunningNode, kind: str) -> None:
    peer = await opened(tracker)
    await peer.send(frame(Opcode.TEXT, ANNOUNCE))
    await read_frame(peer)
    transport = peer.writer.transport
    transport.pause_reading()  # type: ignore[attr-defined]
    (session,) = tracker.node.sessions
    large, relayed = b'"%b"' % (b"x" * 60_000), tracker.node.metrics.relayed
    for number in count():
        if kind == "offer":
            offer = Offer(HASH, OTHER, ME, b"%020d" % number, large, b"frontend", number, bytes(8))
            tracker.node.sessions.offer(offer)
        else:
            answer = Signal(
                SignalKind.ANSWER,
                *(HASH, OTHER, ME, b"%020d" % 1, large),
                *(session.number, bytes(8)),
            )
            tracker.node.sessions.signal(answer)
        if relayed[kind, "slow"]:
            break
        await asyncio.sleep(0)
    transport.resume_reading()  # type: ignore[attr-defined]
    await peer.send(frame(Opcode.PING, b"still here"))
    while (await read_frame(peer)) != (Opcode.PONG, b"still here"):
        pass
    assert {} == tracker.closed


async def test_a_drain_sends_browsers_away(tracker: RunningNode) -> None:
    async with browser(tracker, 1) as one, browser(tracker, 2) as other:
        await asyncio.gather(one.announce(), other.announce())
        await tracker.node.drain(patient=False)
        for each in one, other:
            with pytest.raises(ConnectionClosed):
                await each.hear()
            assert (1001, "reconnect") == (each.socket.close_code, each.socket.close_reason)
    assert 0 == len(tracker.node.sessions)


async def test_a_node_that_closes_cuts_who_is_left(redis: RedisServer) -> None:
    async with running_node(redis.url) as tracker:
        peer = await opened(tracker)
        await tracker.node.close()
        assert b"" == await peer.rest()


async def test_a_socket_that_is_lost_can_still_be_told_things(tracker: RunningNode) -> None:
    """Answers of Redis, drains and shutdowns come when they come."""
    peer = await opened(tracker)
    (connection,) = tracker.node.websocket.connections
    await peer.close()
    await until(lambda: tracker.connections == 0)
    session: Session = connection
    session.send(b"{}")
    connection.close(CloseCode.GOING_AWAY, "reconnect")
    connection.abort()
    connection._flush()
    assert {} == tracker.closed
