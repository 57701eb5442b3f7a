"""Budgets of HTTP clients: work, turns, bytes that wait, answers that are not read."""

import asyncio
import socket
import struct
from functools import partial
from typing import Any

import pytest

from tests.frontends.clients import SCRAPE, announce, announced, decoded, get
from tests.nodes import RunningNode, TcpPeer, running_node, until
from tests.redis_servers import RedisServer
from tracker.frontends.http import PAGE_COST
from tracker.wire.http_head import Head, decode_head

FEW: dict[str, Any] = {"work_burst": 100, "work_per_second": 0.01}
TOO_MANY = b"too many requests from this address"
OTHER = "127.0.0.2"
MAX_HEAD = 8192 + 4


# Work


async def test_requests_over_the_budget_fail_and_the_connection_closes(redis: RedisServer) -> None:
    async with running_node(redis.url, limits=FEW) as tracker:
        peer = await tracker.tcp()
        await peer.send(announce() * 200)
        for _ in range(99):
            assert b"complete" in decoded((await peer.reply()).body)
        refused = await peer.reply()
        assert {b"failure reason": TOO_MANY, b"retry in": 2} == decoded(refused.body)
        assert "close" == refused.headers["connection"]
        assert 99 == tracker.requests["http", "announce", "ok"]
        assert 1 == tracker.requests["http", "announce", "denied"]
        assert {("work", "address"): 1} == tracker.node.metrics.refused
        await announced(await tracker.tcp(local=OTHER))


async def test_a_pipeline_over_the_budget_ends_with_its_last_answer_and_no_reset(
    redis: RedisServer,
) -> None:
    """A reset would reach the client before answers that it has not received yet."""
    async with running_node(redis.url, limits=FEW) as tracker:
        peer = await tracker.tcp()
        await peer.send(announce() * 300)
        replies = [decoded((await peer.reply()).body) for _ in range(100)]
        assert TOO_MANY == replies[-1][b"failure reason"]
        assert b"" == await peer.rest()


async def test_a_scrape_costs_as_many_requests_as_it_has_hashes(redis: RedisServer) -> None:
    async with running_node(redis.url, limits=FEW) as tracker:
        peer = await tracker.tcp()
        scrape = get("/scrape?" + "&".join(["info_hash=" + "x" * 20] * 60))
        assert b"files" in decoded((await peer.ask(scrape)).body)
        assert TOO_MANY == decoded((await peer.ask(scrape)).body)[b"failure reason"]
        assert 1 == tracker.requests["http", "scrape", "denied"]


@pytest.mark.parametrize("target", ["/stats.json", "/nowhere"])
async def test_a_page_costs_several_requests(redis: RedisServer, target: str) -> None:
    async with running_node(redis.url, limits=FEW) as tracker:
        for _ in range(100 // (PAGE_COST + 1)):
            assert (await (await tracker.tcp()).ask(get(target))).status in (200, 404)
        assert 429 == (await (await tracker.tcp()).ask(get(target))).status


async def test_behind_a_proxy_the_client_pays_and_not_the_proxy(redis: RedisServer) -> None:
    listen = {"trusted_proxies": ["127.0.0.1"]}
    async with running_node(redis.url, listen=listen, limits=FEW) as tracker:
        peer = await tracker.tcp()
        flooding = announce("X-Forwarded-For: 192.0.2.1")
        await peer.send(flooding * 101)
        for _ in range(100):
            assert b"complete" in decoded((await peer.reply()).body)
        assert TOO_MANY == decoded((await peer.reply()).body)[b"failure reason"]
        await announced(await tracker.tcp(), "X-Forwarded-For: 192.0.2.2")


async def test_the_number_of_hops_names_the_client(redis: RedisServer) -> None:
    async with running_node(redis.url, listen={"trusted_hops": 2}) as tracker:
        peer = await tracker.tcp()
        reply = await announced(peer, "X-Forwarded-For: 192.0.2.9, 192.0.2.1, 10.0.0.1")
        assert socket.inet_aton("192.0.2.1") == reply[b"external ip"]
        reply = await announced(peer, "X-Forwarded-For: 10.0.0.1")
        assert {b"failure reason"} == reply.keys()


async def test_an_address_with_many_busy_connections_does_not_delay_others(
    tracker: RunningNode,
) -> None:
    """Each of its connections gets a turn as often as the only one of another address."""
    served: list[str] = []

    async def ask(peer: TcpPeer, name: str, times: int) -> None:
        for _ in range(times):
            await announced(peer)
            served.append(name)

    tracker.node.turns._time_s = 1e-9  # one turn in each iteration
    busy = [await tracker.tcp() for _ in range(40)]
    quiet = await tracker.tcp(local=OTHER)
    asking = [asyncio.create_task(ask(peer, "busy", 10)) for peer in busy]
    await until(lambda: len(served) > 40)
    before = len(served)
    await ask(quiet, "quiet", 1)
    assert len(served) - before < 40
    await asyncio.gather(*asking)
    assert 0 == len(tracker.node.turns)


async def test_a_client_that_leaves_while_its_request_waits_leaves_no_trace(
    tracker: RunningNode,
) -> None:
    turns = tracker.node.turns
    peer = await tracker.tcp()
    await until(lambda: tracker.connections == 1)
    turns._ends = -1.0  # an iteration without time, and without an end
    await peer.send(announce())
    await until(lambda: len(turns) == 1)
    reset = struct.pack("ii", 1, 0)
    peer.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
    peer.writer.transport.abort()
    await until(lambda: tracker.connections == 0)
    turns._next()
    await until(lambda: len(turns) == 0)
    await announced(await tracker.tcp())
    assert 1 == tracker.requests["http", "announce", "ok"]


# Memory


@pytest.mark.parametrize("body", [announce(), get(SCRAPE)])
async def test_at_most_one_head_is_buffered_beside_the_request_being_answered(
    tracker: RunningNode, redis: RedisServer, body: bytes
) -> None:
    peer = await tracker.tcp()
    redis.pause()
    await peer.send(announce())
    await until(lambda: tracker.node.redis.in_flight == 1)
    sending = asyncio.create_task(peer.send(body * 20_000))
    (connection,) = tracker.http
    await until(lambda: len(connection._buffer) >= MAX_HEAD)
    memory = tracker.node.budgets.memory
    assert MAX_HEAD == len(connection._buffer)
    held = MAX_HEAD + len(connection._route.query)
    assert held == connection.held == memory.total
    assert not connection._transport.is_reading()  # type: ignore[union-attr]
    redis.resume()
    await peer.close()
    await asyncio.gather(sending, return_exceptions=True)
    await until(lambda: tracker.connections == 0)
    assert 0 == memory.total


async def test_after_a_head_that_filled_the_buffer_the_next_is_read(tracker: RunningNode) -> None:
    peer = await tracker.tcp()
    size = MAX_HEAD - len(announce("X: "))
    turns = tracker.node.turns
    turns._ends = -1.0  # an iteration without time, and without an end
    await peer.send(announce("X: " + "x" * size))
    await until(lambda: len(turns) == 1 and len(tracker.http[0]._buffer) == MAX_HEAD)
    turns._next()
    assert b"complete" in decoded((await peer.reply()).body)
    await announced(peer)


async def test_pipelined_requests_are_looked_at_once(
    tracker: RunningNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed: list[int] = []

    def decode(data: bytes, name: bytes) -> Head:
        parsed.append(len(data))
        return decode_head(data, name)

    monkeypatch.setattr("tracker.frontends.http.decode_head", decode)
    peer = await tracker.tcp()
    requests = announce() * 500
    await asyncio.gather(peer.send(requests), *[answered(peer, 500)])
    assert len(requests) == sum(parsed)


async def answered(peer: TcpPeer, times: int) -> None:
    for _ in range(times):
        assert 200 == (await peer.reply()).status


async def test_a_head_that_grows_slowly_is_searched_once(tracker: RunningNode) -> None:
    peer = await tracker.tcp()
    head = announce("X: " + "x" * 5000)
    await peer.send(head[:4000])
    (connection,) = tracker.http
    await until(lambda: len(connection._buffer) == 4000)
    assert 4000 - 3 == connection._searched
    for at in range(4000, len(head)):  # the end of the head comes in pieces, too
        await peer.send(head[at : at + 1])
    assert 200 == (await peer.reply()).status
    assert (b"", 0) == (connection._buffer, connection._searched)
    await announced(peer)


async def test_bytes_that_wait_are_counted_until_they_are_used(tracker: RunningNode) -> None:
    peer = await tracker.tcp()
    head = announce("X: " + "x" * 2000)
    memory = tracker.node.budgets.memory
    await peer.send(head[:1500])
    await until(lambda: memory.total == 1500)
    await peer.send(head[1500:])
    assert 200 == (await peer.reply()).status
    assert 0 == memory.total
    await announced(peer)
    assert 0 == memory.total


async def test_the_largest_holders_are_cut_when_memory_runs_out(redis: RedisServer) -> None:
    async with running_node(redis.url) as tracker:
        memory = tracker.node.budgets.memory
        memory._marks = memory._marks._replace(process=30_000)
        memory._low = 15_000
        good = await tracker.tcp(local=OTHER)
        await announced(good)
        peers = [await deaf(tracker) for _ in range(4)]
        for peer in peers:
            peer.writer.write(announce(port=1, numwant=200, compact=0) * 5000)
        await until(lambda: tracker.closed["http", "memory"] > 0)
        assert memory.total <= 30_000
        assert tracker.closed["http", "memory"] < 4
        await announced(good)
        for peer in peers:
            peer.writer.transport.abort()


async def deaf(tracker: RunningNode) -> TcpPeer:
    """A client that reads nothing, and whose kernel takes little."""
    peer = await tracker.tcp()
    peer.writer.transport.pause_reading()  # type: ignore[attr-defined]
    return peer


# Time


async def test_the_second_head_of_a_pipeline_has_its_time_too(tracker: RunningNode) -> None:
    peer = await tracker.tcp()
    await peer.send(announce() + announce()[:20])
    assert 200 == (await peer.reply()).status
    await until(lambda: tracker.http[0]._searched > 0)
    for at in range(20, 30):
        tracker.pass_time(0.9)
        await peer.send(announce()[at : at + 1])
        await until(partial(lambda size: len(tracker.http[0]._buffer) == size, at + 1))
    tracker.pass_time(2)
    assert 408 == (await peer.reply()).status
    assert {("http", "slow"): 1} == tracker.closed


async def test_a_last_answer_that_is_not_read_is_cut(tracker: RunningNode) -> None:
    peer = await deaf(tracker)
    filling = announce(port=1, numwant=200, compact=0)
    for port in range(1, 202):
        assert b"complete" in await announced(await tracker.tcp(), port=port)
    peer.writer.write(filling * 2000 + announce("Connection: close"))
    await until(lambda: any(each._unread for each in tracker.http))
    tracker.pass_time(61)
    await until(lambda: tracker.closed["http", "unread"] == 1)
    peer.writer.transport.abort()


async def test_a_refused_client_that_keeps_sending_still_gets_its_status(
    tracker: RunningNode,
) -> None:
    peer = await tracker.tcp()
    await peer.send(b"GET /announce?" + b"x" * 50_000)
    assert 431 == (await peer.reply()).status
    assert b"" == await peer.rest()
    await peer.close()
    await until(lambda: tracker.connections == 0)


async def test_a_refused_client_that_stays_is_cut(tracker: RunningNode) -> None:
    peer = await tracker.tcp()
    assert 400 == (await peer.ask(b"nonsense\r\n\r\n")).status
    assert b"" == await peer.rest()
    assert 1 == tracker.connections
    tracker.pass_time(11)
    await until(lambda: tracker.connections == 0)


async def test_a_refused_client_that_sends_without_end_is_cut(tracker: RunningNode) -> None:
    peer = await tracker.tcp()
    await peer.send(b"nonsense\r\n\r\n")
    peer.writer.write(b"x" * 1_000_000)
    await until(lambda: tracker.requests["http", "other", "400"] == 1)
    await until(lambda: tracker.connections == 0)
