"""HTTP connections over real sockets: kept, closed, half closed and cut."""

import asyncio
import socket
import struct

import pytest

from tests.frontends.clients import HASH, SCRAPE, announce, announced, decoded, get, query
from tests.nodes import RunningNode, TcpPeer, until
from tests.redis_servers import RedisServer
from tracker.wire.compact import pack, pack_ip

MANY = 2000  # requests whose answers fill all buffers on the way
LOCAL, LOCAL6 = pack_ip("127.0.0.1"), pack_ip("::1")


@pytest.mark.parametrize(
    ("version", "header", "kept"),
    [
        ("1.1", "Accept: */*", None),
        ("1.1", "Connection: keep-alive", None),
        ("1.1", "Connection: close", "close"),
        ("1.0", "Accept: */*", "close"),
        ("1.0", "Connection: Keep-Alive", "keep-alive"),
    ],
)
async def test_a_connection_is_kept_as_the_client_wishes(
    tracker: RunningNode, version: str, header: str, kept: str | None
) -> None:
    peer = await tracker.tcp()
    request = get(f"/announce?{query()}", header, version=version)
    assert kept == (await peer.ask(request)).headers.get("connection")
    if kept == "close":
        assert b"" == await peer.rest()
    else:
        assert 200 == (await peer.ask(request)).status


async def test_head_is_answered_without_a_body(tracker: RunningNode) -> None:
    peer = await tracker.tcp()
    await peer.send(get(SCRAPE, method="HEAD"))
    reply = await peer.reply(head_only=True)
    assert (200, str(len((await peer.ask(get(SCRAPE))).body))) == (
        reply.status,
        reply.headers["content-length"],
    )


async def test_an_idle_connection_is_closed_after_its_time(tracker: RunningNode) -> None:
    peer = await tracker.tcp()
    await announced(peer)
    tracker.pass_time(59)
    await announced(peer)
    tracker.pass_time(59)
    assert 1 == tracker.connections
    tracker.pass_time(2)
    assert b"" == await peer.rest()
    assert {} == tracker.closed


async def test_a_connection_that_asks_nothing_is_closed(tracker: RunningNode) -> None:
    peer = await tracker.tcp()
    await until(lambda: tracker.connections == 1)
    tracker.pass_time(9)
    assert 1 == tracker.connections
    tracker.pass_time(2)
    assert b"" == await peer.rest()


async def test_who_says_that_no_more_will_come_still_gets_all_answers(
    tracker: RunningNode,
) -> None:
    peer = await tracker.tcp()
    await peer.send(announce(port=1001) + announce(port=1002))
    peer.writer.write_eof()
    await peer.reply()
    assert pack(LOCAL, 1001) == decoded((await peer.reply()).body)[b"peers"]
    assert b"" == await peer.rest()


async def test_who_says_so_in_the_midst_of_a_pipeline_gets_what_was_whole(
    tracker: RunningNode, redis: RedisServer
) -> None:
    peer = await tracker.tcp()
    redis.pause()
    await peer.send(announce() + announce()[:-1])
    peer.writer.write_eof()
    await until(lambda: tracker.node.redis.in_flight == 1)
    redis.resume()
    await peer.reply()
    assert b"" == await peer.rest()


async def test_who_says_so_before_asking_is_let_go(tracker: RunningNode) -> None:
    peer = await tracker.tcp()
    await peer.send(announce()[:-1])
    peer.writer.write_eof()
    assert b"" == await peer.rest()


async def test_the_announce_of_who_does_not_wait_counts(
    tracker: RunningNode, redis: RedisServer
) -> None:
    peer = await tracker.tcp()
    redis.pause()
    await peer.send(announce())
    await until(lambda: tracker.node.redis.in_flight == 1)
    # No lingering: the connection is reset, as by a client that crashed.
    reset = struct.pack("ii", 1, 0)
    peer.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
    peer.writer.transport.abort()
    await until(lambda: tracker.connections == 0)
    redis.resume()
    reply = await (await tracker.tcp()).ask(get(SCRAPE))
    assert 1 == decoded(reply.body)[b"files"][HASH][b"incomplete"]
    assert 1 == tracker.requests["http", "announce", "ok"]


async def test_who_was_gone_before_being_let_in_leaves_no_trace(tracker: RunningNode) -> None:
    reset = struct.pack("ii", 1, 0)
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", tracker.port())) as visitor:
            visitor.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
    await announced(await tracker.tcp())
    assert 1 == tracker.connections


async def test_who_does_not_read_gets_no_more_answers_until_it_does(
    tracker: RunningNode,
) -> None:
    peer = await tracker.tcp()
    asking = await unread(tracker, peer)
    assert tracker.requests["http", "announce", "ok"] < MANY
    peer.writer.transport.resume_reading()  # type: ignore[attr-defined]
    assert [200] * MANY == [(await peer.reply()).status for _ in range(MANY)]
    await asking
    assert {} == tracker.closed


async def test_who_does_not_read_is_cut_in_the_end(tracker: RunningNode) -> None:
    peer = await tracker.tcp()
    asking = await unread(tracker, peer)
    tracker.pass_time(59)
    assert 1 == tracker.connections
    tracker.pass_time(2)
    await until(lambda: tracker.connections == 0)
    assert {("http", "unread"): 1} == tracker.closed
    asking.cancel()
    await asyncio.wait([asking])


async def unread(tracker: RunningNode, peer: TcpPeer) -> asyncio.Task[None]:
    """Ask for more than all buffers hold and read nothing; the task that still asks."""
    await peer.send(b"".join(announce(port=port, numwant=0) for port in range(1, 202)))
    for _ in range(1, 202):
        await peer.reply()
    peer.writer.transport.pause_reading()  # type: ignore[attr-defined]
    request = announce(port=1, numwant=200, compact=0)  # its reply has 6 KB
    asking = asyncio.create_task(peer.send(request * MANY))
    (connection,) = tracker.http
    await until(lambda: connection._unread and not connection._answering)
    return asking
