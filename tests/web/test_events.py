"""Server-sent events: one producer, bounded streams, an end."""

import asyncio
import json

import pytest

from tests.nodes import DEADLINE_S, TcpPeer, until
from tests.web.conftest import HOST, STATISTICS, Given, Site, serving
from tracker.web import events, statistics
from tracker.web.statistics import numbers

OTHER = STATISTICS._replace(frontends=STATISTICS.frontends[:1])


@pytest.fixture(autouse=True)
def _always_fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statistics, "FRESH_S", 0.0)


async def listen(site: Site, *lines: str) -> TcpPeer:
    """Open a stream, and read as far as its first line."""
    peer = await site.connect("/stats/events", *(lines or (HOST,)))
    async with asyncio.timeout(DEADLINE_S):
        head = await peer.reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 OK\r\n"), head
        await peer.reader.readuntil(b"retry: 5000\n\n")
    return peer


async def event(peer: TcpPeer, name: str = "numbers") -> object:
    """Read up to the next event of that name; its data."""
    async with asyncio.timeout(DEADLINE_S):
        await peer.reader.readuntil(b"event: " + name.encode() + b"\ndata: ")
        return json.loads(await peer.reader.readuntil(b"\n\n"))


async def test_a_stream_begins_with_what_is_known(site: Site) -> None:
    peer = await listen(site)
    assert numbers(STATISTICS) == await event(peer)
    assert "<svg" in str(await event(peer, "peers-hour"))
    await peer.close()


async def test_the_response_is_not_buffered_on_the_way(site: Site) -> None:
    peer = await site.connect("/stats/events")
    head = (await peer.reader.readuntil(b"\r\n\r\n")).decode()
    for line in ("Content-Type: text/event-stream", "Cache-Control: no-store"):
        assert f"{line}\r\n" in head
    assert "X-Accel-Buffering: no\r\n" in head
    assert "Connection: close\r\n" in head
    assert "Access-Control-Allow-Origin: *\r\n" in head
    await peer.close()


async def test_each_change_reaches_each_stream_and_nothing_is_sent_twice(
    given: Given, site: Site
) -> None:
    peers = [await listen(site) for _ in range(3)]
    for peer in peers:
        await event(peer)
        await event(peer, "frontends")
    given.statistics = OTHER
    for peer in peers:
        received = b""
        async with asyncio.timeout(DEADLINE_S):
            while b"event: frontends" not in received:
                received += await peer.reader.read(65_536)
        assert json.dumps(numbers(OTHER)).encode() in received
        assert b"event: peers-hour" not in received
        await peer.close()


async def test_an_idle_stream_gets_comments(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "HEARTBEAT_S", 0.05)
    peer = await listen(site)
    await event(peer, "frontends")
    async with asyncio.timeout(DEADLINE_S):
        await peer.reader.readuntil(b":\n\n")
    await peer.close()


async def test_nothing_is_produced_without_a_stream(given: Given, site: Site) -> None:
    peer = await listen(site)
    await event(peer)
    await peer.close()
    await until(lambda: site.streams._producer is None)
    looks = given.looks
    given.statistics = OTHER
    await asyncio.sleep(0.05)  # five times the period
    assert looks == given.looks
    peer = await listen(site)
    assert numbers(OTHER) == await event(peer)  # and not what was known before
    await peer.close()


async def test_an_address_has_a_number_of_streams(given: Given) -> None:
    async with serving(given, streams=(10, 2)) as site:
        peers = [await listen(site) for _ in range(2)]
        assert 429 == (await site.ask("/stats/events")).status
        assert {("streams", "address"): 1} == site.metrics.refused
        await peers.pop().close()
        await until(lambda: len(site.streams) == 1)
        peers.append(await listen(site))
        for peer in peers:
            await peer.close()
        await until(lambda: len(site.streams) == 0)
        assert {} == site.streams._open


async def test_a_process_has_a_number_of_streams(given: Given) -> None:
    async with serving(given, streams=(1, 10)) as site:
        peer = await listen(site)
        assert 503 == (await site.ask("/stats/events")).status
        assert {("streams", "process"): 1} == site.metrics.refused
        await peer.close()


async def test_streams_end_and_no_other_begins(site: Site) -> None:
    peer = await listen(site)
    await event(peer)
    site.streams.end()
    async with asyncio.timeout(DEADLINE_S):
        await peer.reader.read()
    assert 503 == (await site.ask("/stats/events")).status
    await peer.close()


async def test_head_opens_no_stream(site: Site) -> None:
    assert 200 == (await site.ask("/stats/events", method="HEAD")).status
    await until(lambda: len(site.streams) == 0)


async def test_a_failure_of_the_producer_is_not_the_end(given: Given, site: Site) -> None:
    peer = await listen(site)
    await event(peer)
    broken = STATISTICS._replace(frontends=[None])  # type: ignore[list-item]
    given.statistics = broken
    looks = given.looks
    await until(lambda: given.looks > looks)
    given.statistics = OTHER
    assert numbers(OTHER) == await event(peer)
    await peer.close()
