"""Budgets of a browser's socket: work, turns, memory and deadlines."""

import asyncio
import socket
from collections.abc import Callable

import pytest
from websockets.frames import CloseCode, Opcode

from tests.frontends.clients import HASH, browser, counts, get, offers, text
from tests.frontends.test_websocket import UPGRADE, close_code, frame, opened, read_frame
from tests.nodes import RunningNode, TcpPeer, running_node, until
from tests.redis_servers import RedisServer
from tracker.frontends.metered import MeteredSocket
from tracker.frontends.turns import Turns
from tracker.frontends.websocket import MOST_FRAMES, WebSocketConnection

PONG = frame(Opcode.PONG)
PING = frame(Opcode.PING, b"x" * 125)


def connection(tracker: RunningNode) -> WebSocketConnection:
    """The only connection."""
    (only,) = tracker.node.websocket.connections
    return only


def held(tracker: RunningNode) -> int:
    """Bytes that all clients make the process hold."""
    return tracker.node.budgets.memory.total


def read_on(peer: TcpPeer) -> asyncio.Task[bytes]:
    """Read again, and all that comes."""
    peer.writer.transport.resume_reading()  # type: ignore[attr-defined]
    return asyncio.create_task(peer.reader.read())


def hash_of(number: int) -> str:
    """One of many info_hashes, as JSON has it."""
    return f"{number:020}"


# Work


@pytest.mark.parametrize(
    "flood",
    [
        frame(Opcode.PONG) * 100,
        frame(Opcode.TEXT, b"{", fin=False) + frame(Opcode.CONT, b"", fin=False) * 99,
        frame(Opcode.TEXT, b"{}") * 100,
    ],
    ids=["control frames", "fragments", "messages"],
)
async def test_a_flood_of_frames_pauses_a_socket_and_no_other(
    redis: RedisServer, flood: bytes
) -> None:
    limits = {"messages_per_second": 10, "message_burst": 50}
    async with running_node(redis.url, ws=limits) as tracker:
        peer = await opened(tracker)
        await peer.send(flood)
        await until(lambda: tracker.node.metrics.refused["work", "socket"] == 1)
        async with browser(tracker) as other:
            await other.announce()
        left = len(connection_of(tracker, peer)._input)
        assert 0 < left < len(flood)
        tracker.pass_time(2)
        await until(lambda: len(connection_of(tracker, peer)._input) < left)
        assert {} == tracker.closed


def connection_of(tracker: RunningNode, peer: TcpPeer) -> WebSocketConnection:
    """The connection of a peer."""
    for each in tracker.node.websocket.connections:
        assert each._transport is not None
        if each._transport.get_extra_info("peername")[1] == peer.port:
            return each
    raise LookupError(peer.port)


async def test_offers_and_hashes_of_scrapes_count_as_work(redis: RedisServer) -> None:
    limits = {"messages_per_second": 10, "message_burst": 20}
    async with running_node(redis.url, ws=limits) as tracker, browser(tracker) as one:
        for _ in range(2):
            await one.announce(offers=offers(10))
        await one.say(action="scrape", info_hash=text(HASH))
        await until(lambda: tracker.node.metrics.refused["work", "socket"] == 1)
    async with running_node(redis.url, ws=limits) as tracker, browser(tracker) as one:
        await one.scrape(*[HASH] * 30)
        await one.say(action="scrape", info_hash=text(HASH))
        await until(lambda: tracker.node.metrics.refused["work", "socket"] == 1)


async def test_sockets_of_one_address_share_its_budget(redis: RedisServer) -> None:
    limits = {"work_per_second": 10.0, "work_burst": 100}
    async with running_node(redis.url, limits=limits) as tracker:
        first, second = await opened(tracker), await opened(tracker)
        await first.send(PONG * 120)
        await until(lambda: tracker.node.metrics.refused["work", "address"] == 1)
        await second.send(PING)
        await until(lambda: tracker.node.metrics.refused["work", "address"] == 2)
        tracker.pass_time(3)
        assert (Opcode.PONG, b"x" * 125) == await read_frame(second)


async def test_a_paused_socket_is_kept_while_its_browser_is_there(redis: RedisServer) -> None:
    limits = {"messages_per_second": 0.01, "message_burst": 1}
    async with running_node(redis.url, ws=limits) as tracker:
        peer = await opened(tracker)
        await peer.send(PONG * 40)
        await until(lambda: tracker.node.metrics.refused["work", "socket"] == 1)
        for _ in range(5):
            tracker.pass_time(31)
            assert (Opcode.PING, b"") == await read_frame(peer)
        assert {} == tracker.closed
        await peer.close()
        while tracker.connections:  # a ping to a closed socket fails, the next one is an error
            tracker.pass_time(31)
            await asyncio.sleep(0.01)


async def test_one_portion_of_the_input_is_processed_in_each_turn(tracker: RunningNode) -> None:
    tracker.node.websocket.turns = Turns(1e-9)
    await opened(tracker)
    one, left = connection(tracker), list[int]()
    one.received(PONG * MOST_FRAMES * 5)
    while one._input:
        left.append(len(one._input) // len(PONG))
        await asyncio.sleep(0)
    assert set(left) <= {MOST_FRAMES * turn for turn in range(1, 5)}
    assert len(set(left)) > 1


# Memory


async def test_incomplete_messages_and_unread_output_are_counted(redis: RedisServer) -> None:
    async with running_node(redis.url, ws={"max_buffer": 1_000_000}) as tracker:
        peer = await opened(tracker)
        assert 0 == held(tracker)
        await peer.send(frame(Opcode.TEXT, b"x" * 50_000)[:40_000])
        await until(lambda: held(tracker) >= 39_990)
        await peer.send(frame(Opcode.TEXT, b"x" * 50_000)[40_000:])
        await until(lambda: held(tracker) == 0)
        await peer.send(frame(Opcode.TEXT, b"x" * 30_000, fin=False))
        await until(lambda: held(tracker) >= 30_000)
        peer.writer.transport.pause_reading()  # type: ignore[attr-defined]
        one = connection(tracker)
        while one._transport is not None and not one._transport.get_write_buffer_size():
            one.send(b" " * 60_000)
        one.send(b" " * 60_000)
        assert held(tracker) >= 90_000
        reading = read_on(peer)
        await until(lambda: 30_000 <= held(tracker) < 31_000)
        await peer.close()
        await until(lambda: held(tracker) == 0)
        await asyncio.wait([reading])


async def test_an_address_without_memory_left_loses_the_socket_that_wants_more(
    redis: RedisServer,
) -> None:
    limits = {"address_memory_mib": 1}
    part = frame(Opcode.TEXT, b"x" * 65_000)[:60_000]
    async with running_node(redis.url, limits=limits) as tracker:
        peers = [await opened(tracker) for _ in range(18)]
        for peer in peers:
            await peer.send(part)
        await until(lambda: tracker.closed["ws", "memory"] >= 1)
        assert tracker.node.metrics.refused["memory", "address"] >= 1
        assert max(tracker.node.budgets.memory.total, 60_000) <= 1 << 20
        async with browser(tracker) as one:
            assert 1 == (await one.announce())["incomplete"]


async def test_offers_that_wait_for_redis_are_counted(
    tracker: RunningNode, redis: RedisServer
) -> None:
    async with browser(tracker, 1) as one:
        await one.announce()
        before = held(tracker)
        redis.pause()
        await one.say(**one.request(offers=offers(10)))
        await until(lambda: tracker.node.redis.in_flight == 1)
        assert held(tracker) > before + 10 * 200
        redis.resume()
        await one.hear()
        assert before == held(tracker)


async def test_offers_beyond_the_limit_are_neither_kept_nor_held(
    tracker: RunningNode, redis: RedisServer
) -> None:
    async with browser(tracker, 1) as one:
        redis.pause()
        await one.say(**one.request(offers=[{"offer": {"sdp": ""}, "offer_id": "x" * 20}] * 1000))
        await until(lambda: tracker.node.redis.in_flight == 1)
        assert held(tracker) < 100_000
        redis.resume()
        await one.hear()
        assert 990 == tracker.node.metrics.refused["offers", "socket"]


async def test_2000_swarms_on_one_connection_are_served_and_more_are_refused(
    redis: RedisServer,
) -> None:
    limits = {"messages_per_second": 1e6, "message_burst": 1_000_000}
    async with (
        running_node(redis.url, ws=limits) as tracker,
        browser(tracker, 1) as one,
        browser(tracker, 2) as two,
    ):
        for number in range(2000):
            await one.announce(info_hash=hash_of(number))
        for number in range(2000, 20_000):
            await one.say(**one.request(info_hash=hash_of(number)))
            reply = await one.hear()
            if "failure reason" in reply:
                break
        assert "too many swarms on one connection" == reply["failure reason"]
        assert 1 == tracker.node.metrics.refused["swarms", "socket"]
        assert {hash_of(number): counts(0, 0)} == await two.scrape(hash_of(number).encode())
        await one.announce(info_hash=hash_of(0), event="stopped")
        await one.announce(info_hash=hash_of(number))


async def test_the_largest_holders_are_closed_first(redis: RedisServer) -> None:
    limits = {"memory_mib": 16, "address_memory_mib": 64}
    ws = {"max_message": 1_048_576, "message_burst": 1_000_000, "message_timeout": 1e6}
    async with running_node(redis.url, limits=limits, ws=ws) as tracker, browser(tracker) as one:
        await one.announce()
        half = frame(Opcode.TEXT, b"x" * 1_000_000)[:900_000]
        peers = [await opened(tracker) for _ in range(20)]
        sends = [asyncio.create_task(peer.send(half)) for peer in peers]
        await until(lambda: tracker.node.metrics.refused["memory", "process"] > 0)
        for _ in range(1000):
            tracker.pass_time(1)
            await asyncio.sleep(0)
            if ("ws", "memory") in tracker.closed:
                break
        assert held(tracker) <= 16 << 20
        await one.announce()
        for send in sends:
            send.cancel()
        await asyncio.wait(sends)


@pytest.mark.parametrize("count", [MeteredSocket.hold, MeteredSocket._count])
async def test_each_holder_that_is_closed_for_memory_is_counted(
    redis: RedisServer, count: Callable[[MeteredSocket, int], object]
) -> None:
    async with running_node(redis.url) as tracker:
        memory = tracker.node.budgets.memory
        memory._marks = memory._marks._replace(process=30_000)
        memory._low = 15_000
        for _ in range(3):
            await opened(tracker)
        for each in list(tracker.node.websocket.connections):
            count(each, 12_000)
        assert 12_000 == memory.total
        assert {("ws", "memory"): 2} == tracker.closed
        assert 2 == tracker.node.metrics.refused["memory", "process"]


# Deadlines


async def test_a_message_that_trickles_is_cut_off(tracker: RunningNode) -> None:
    peer = await opened(tracker)
    one = connection(tracker)
    data = frame(Opcode.TEXT, b"{" + b" " * 100)
    for at in range(5):
        size = len(one._protocol.reader.buffer)
        await peer.send(data[at * 10 : at * 10 + 10])
        await until(lambda size=size: len(one._protocol.reader.buffer) > size)  # type: ignore[misc]
        tracker.pass_time(3)
    tracker.pass_time(10)
    assert CloseCode.POLICY_VIOLATION == await close_code(peer)
    assert {("ws", "slow_message"): 1} == tracker.closed


@pytest.mark.parametrize(
    "data",
    [frame(Opcode.TEXT, b"{", fin=False), b"\x81", frame(Opcode.TEXT, b"x" * 200)[:3]],
    ids=["fragment", "first byte", "header"],
)
async def test_a_message_that_is_never_completed_is_cut_off(
    tracker: RunningNode, data: bytes
) -> None:
    peer = await opened(tracker)
    await peer.send(data)
    await until(lambda: connection(tracker)._message_by < float("inf"))
    tracker.pass_time(22)
    assert CloseCode.POLICY_VIOLATION == await close_code(peer)


async def test_a_completed_message_has_no_deadline(tracker: RunningNode) -> None:
    peer = await opened(tracker)
    await peer.send(frame(Opcode.TEXT, b"{", fin=False))
    await peer.send(frame(Opcode.CONT, b"}"))
    assert Opcode.TEXT is (await read_frame(peer))[0]
    tracker.pass_time(25)
    await peer.send(frame(Opcode.PING))
    assert Opcode.PONG is (await read_frame(peer))[0]


@pytest.fixture
async def unread(tracker: RunningNode) -> TcpPeer:
    """A browser that has not read something."""
    peer = await opened(tracker)
    one = connection(tracker)
    peer.writer.transport.pause_reading()  # type: ignore[attr-defined]
    while one._transport is not None and not one._transport.get_write_buffer_size():
        one.send(b" " * 60_000)
    return peer


async def test_a_browser_that_does_not_read_in_time_is_cut(
    tracker: RunningNode, unread: TcpPeer
) -> None:
    tracker.pass_time(22)
    await until(lambda: tracker.connections == 0)
    assert {("ws", "unread"): 1} == tracker.closed
    assert 0 == held(tracker)


async def test_a_browser_that_does_not_read_is_not_read(
    tracker: RunningNode, unread: TcpPeer
) -> None:
    one = connection(tracker)
    pings = asyncio.create_task(unread.send(PING * 100_000))
    async with browser(tracker) as other:
        for _ in range(20):
            await other.announce()
    assert held(tracker) < 200_000
    assert not pings.done()
    pings.cancel()
    await asyncio.wait([pings])
    one.abort()
    await until(lambda: tracker.connections == 0)


async def test_a_browser_that_reads_slowly_is_kept(tracker: RunningNode, unread: TcpPeer) -> None:
    one = connection(tracker)
    tracker.pass_time(15)
    one.send(b"more")
    reading = read_on(unread)
    await until(lambda: held(tracker) == 0)
    tracker.pass_time(15)
    assert {} == tracker.closed
    await unread.close()
    await asyncio.wait([reading])


async def test_a_refused_handshake_does_not_linger(tracker: RunningNode) -> None:
    with socket.create_connection(("127.0.0.1", tracker.port("ws"))) as client:
        client.sendall(get("/", *UPGRADE[1:]))
        await until(lambda: tracker.closed["ws", "handshake"] == 1)
        tracker.pass_time(7)
        await until(lambda: tracker.connections == 0)


# Challenges


async def test_a_challenge_ends_a_dead_socket_and_keeps_a_live_one(tracker: RunningNode) -> None:
    dead, live = await opened(tracker), await opened(tracker)
    for each in list(tracker.node.websocket.connections):
        each.challenge()
    assert (Opcode.PING, b"") == await read_frame(live)
    await live.send(PONG)
    await until(lambda: connection_of(tracker, live)._silent_s == 0)
    tracker.pass_time(12)
    assert (Opcode.PING, b"") == await read_frame(dead)
    assert b"" == await dead.rest()
    assert {("ws", "idle"): 1} == tracker.closed
    await live.send(frame(Opcode.PING))
    assert Opcode.PONG is (await read_frame(live))[0]
