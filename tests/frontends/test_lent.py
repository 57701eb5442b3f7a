"""Pages: one request of our own making, one response, and the end, whatever the client sends."""

import asyncio

import pytest

from tests.frontends.clients import announce, announced, get
from tests.nodes import DEADLINE_S, RunningNode, TcpPeer, running_node, until
from tests.redis_servers import RedisServer
from tracker.frontends.lent import MAX_IGNORED
from tracker.web.assets import PIECE, Asset

LARGE = 30_000_000  # bytes

OURS = {
    "server": "tracker-cluster",
    "connection": "close",
    "x-content-type-options": "nosniff",
    "access-control-allow-origin": "*",
}


@pytest.mark.parametrize("target", ["/", "/stats", "/stats.json", "/no", "//[", "/%zz", "/a#b"])
@pytest.mark.parametrize("kept", [False, True])
@pytest.mark.parametrize(
    "headers",
    [
        (),
        ("Expect: foo",),
        ("Expect: 100-continue",),
        ("Connection: keep-alive", "Keep-Alive: timeout=100"),
        ("Upgrade: h2c", "Connection: Upgrade, HTTP2-Settings"),
        ("TE: trailers", "Trailer: x"),
        ("Content-Length: 0",),
        ("Range: bytes=0-1", "If-None-Match: *", "Accept-Encoding: gzip"),
        ("Host: [", "Host: b"),
    ],
)
async def test_a_page_is_the_last_response_of_its_connection(
    tracker: RunningNode, target: str, kept: bool, headers: tuple[str, ...]
) -> None:
    peer = await tracker.tcp()
    if kept:
        await announced(peer)
    await peer.send(get(target, *headers) + announce() + get("/stats"))
    reply = await peer.reply()
    assert reply.status in (200, 400, 404)
    assert OURS.items() <= reply.headers.items()
    assert "frame-ancestors 'none'" in reply.headers["content-security-policy"]
    assert b"" == await peer.rest()
    assert kept == (tracker.requests["http", "announce", "ok"] == 1)


@pytest.mark.parametrize("header", ["Expect: foo", "Expect: 100-continue"])
async def test_an_announce_that_expects_something_is_answered(
    tracker: RunningNode, header: str
) -> None:
    peer = await tracker.tcp()
    await announced(peer, header)
    await announced(peer, header)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "CONNECT", "TRACE"])
async def test_other_methods_never_reach_the_library(tracker: RunningNode, method: str) -> None:
    peer = await tracker.tcp()
    reply = await peer.ask(get("/stats" if method != "CONNECT" else "a:1", method=method))
    assert (405, "GET, HEAD, OPTIONS") == (reply.status, reply.headers["allow"])
    assert OURS.items() <= reply.headers.items()


@pytest.mark.parametrize(
    ("header", "body"),
    [("Content-Length: 5", b""), ("Transfer-Encoding: chunked", b"1\r\nx\r\n0\r\n\r\n")],
)
async def test_a_request_for_a_page_has_no_body(
    tracker: RunningNode, header: str, body: bytes
) -> None:
    peer = await tracker.tcp()
    assert 413 == (await peer.ask(get("/stats", header) + body)).status
    assert b"" == await peer.rest()


async def test_http_1_0_and_head_are_answered_alike(tracker: RunningNode) -> None:
    old = await (await tracker.tcp()).ask(get("/stats.json", version="1.0"))
    assert (200, "close") == (old.status, old.headers["connection"])
    peer = await tracker.tcp()
    await peer.send(get("/stats.json", method="HEAD"))
    assert 200 == (await peer.reply(head_only=True)).status
    assert b"" == await peer.rest()


async def test_a_client_that_sends_no_more_gets_its_page(tracker: RunningNode) -> None:
    peer = await tracker.tcp()
    await peer.send(get("/stats"))
    peer.writer.write_eof()
    assert 200 == (await peer.reply()).status


async def test_an_absolute_target_names_the_host_of_the_urls(tracker: RunningNode) -> None:
    peer = await tracker.tcp()
    page = await peer.ask(get("http://tracker.example:99/"))
    assert b"http://tracker.example:" in page.body


async def test_a_page_that_is_not_read_is_cut(tracker: RunningNode) -> None:
    peer = await deaf_visitor(tracker)
    tracker.pass_time(11)  # until now, buffers of the kernels have filled
    tracker.pass_time(9)
    assert 1 == tracker.connections
    tracker.pass_time(2)
    await until(lambda: tracker.connections == 0)
    assert {("http", "page"): 1} == tracker.closed
    await peer.close()


async def test_a_page_that_is_read_slowly_is_not_cut(tracker: RunningNode) -> None:
    peer = await deaf_visitor(tracker)
    left = LARGE
    reading = peer.writer.transport
    async with asyncio.timeout(DEADLINE_S):
        head = await slowly(peer, 1000)
        left -= 1000 - head.index(b"\r\n\r\n") - 4
        while left > LARGE // 2:
            left -= len(await slowly(peer, 500_000))
            tracker.pass_time(9)
        assert {} == tracker.closed
        reading.resume_reading()  # type: ignore[attr-defined]
        assert left == len(await peer.rest())


async def test_what_a_visitor_leaves_unread_counts_as_memory(tracker: RunningNode) -> None:
    memory = tracker.node.budgets.memory
    assert 0 == memory.total
    peer = await deaf_visitor(tracker)
    await until(lambda: memory.total > 0)
    assert memory.total <= 2 * PIECE
    (connection,) = tracker.node.tcp.connections
    assert memory.total == connection.account.held
    peer.writer.transport.resume_reading()  # type: ignore[attr-defined]
    assert LARGE == len((await peer.reply()).body)
    await until(lambda: tracker.connections == 0)
    assert 0 == memory.total


async def test_a_visitor_over_the_budget_of_memory_is_cut(redis: RedisServer) -> None:
    async with running_node(redis.url, limits={"memory_mib": 16}) as tracker:
        memory = tracker.node.budgets.memory
        memory.total = 16 << 20  # as if others held it
        peer = await deaf_visitor(tracker)
        await until(lambda: tracker.connections == 0)
        assert {("http", "memory"): 1} == tracker.closed
        assert {("memory", "process"): 1} == tracker.node.metrics.refused
        assert 16 << 20 == memory.total
        await peer.close()


async def test_a_visitor_that_sends_on_is_read_up_to_a_bound(tracker: RunningNode) -> None:
    peer = await deaf_visitor(tracker)
    peer.writer.write(b"x" * 100 * MAX_IGNORED)
    (connection,) = tracker.node.tcp.connections
    lent = connection.owner
    await until(lambda: lent._to_ignore < 0)  # type: ignore[attr-defined]
    assert not lent._transport.is_reading()  # type: ignore[attr-defined]
    for _ in range(2):
        tracker.pass_time(11)
    await until(lambda: tracker.connections == 0)
    peer.writer.transport.abort()


async def test_a_visitor_that_leaves_as_its_request_is_read_leaves_no_trace(
    tracker: RunningNode,
) -> None:
    peer = await tracker.tcp()
    await announced(peer)
    (connection,) = tracker.node.tcp.connections
    transport = connection.owner._transport  # type: ignore[attr-defined]
    transport.abort()  # as the event loop does before the next read, when the client has reset
    connection.owner.received(get("/stats"))  # type: ignore[attr-defined]
    await until(lambda: tracker.connections == 0)


async def deaf_visitor(tracker: RunningNode) -> TcpPeer:
    """A client that asks for a file larger than all buffers on the way, and reads nothing."""
    assets = tracker.node.website.assets
    assets._assets["large.js"] = Asset("text/javascript", "", {"identity": bytes(LARGE)})
    peer = await tracker.tcp()
    peer.writer.transport.pause_reading()  # type: ignore[attr-defined]
    await peer.send(get(assets.url("large.js")))
    await until(lambda: tracker.http == [] and tracker.connections <= 1)
    return peer


async def slowly(peer: TcpPeer, size: int) -> bytes:
    """Read about that many bytes, and stop again."""
    transport = peer.writer.transport
    transport.resume_reading()  # type: ignore[attr-defined]
    data = await peer.reader.readexactly(size)
    transport.pause_reading()  # type: ignore[attr-defined]
    return data


@pytest.mark.parametrize("target", ["/announce", "/stats.json", "/nothing", "*"])
async def test_a_website_is_told_that_it_may_ask(tracker: RunningNode, target: str) -> None:
    peer = await tracker.tcp()
    preflight = ("Origin: https://site.example", "Access-Control-Request-Method: GET")
    reply = await peer.ask(get(target, *preflight, method="OPTIONS"))
    assert (200, b"") == (reply.status, reply.body)
    assert "GET, HEAD, OPTIONS" == reply.headers["access-control-allow-methods"]
    assert OURS.items() <= reply.headers.items()
    assert b"" == await peer.rest()
