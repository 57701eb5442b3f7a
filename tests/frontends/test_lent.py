"""Pages: one request of our own making, one response, and the end, whatever the client sends."""

import pytest

from tests.frontends.clients import announce, announced, get
from tests.nodes import RunningNode, TcpPeer, until
from tracker.frontends.lent import MAX_IGNORED

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


async def test_a_page_that_is_not_read_is_cut(
    tracker: RunningNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    peer = await deaf_visitor(tracker, monkeypatch)
    tracker.pass_time(9)
    assert 1 == tracker.connections
    tracker.pass_time(2)
    await until(lambda: tracker.connections == 0)
    assert {("http", "page"): 1} == tracker.closed
    await peer.close()


async def test_a_visitor_that_sends_on_is_read_up_to_a_bound(
    tracker: RunningNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    peer = await deaf_visitor(tracker, monkeypatch)
    peer.writer.write(b"x" * 100 * MAX_IGNORED)
    (connection,) = tracker.node.tcp.connections
    lent = connection.owner
    await until(lambda: lent._to_ignore < 0)  # type: ignore[attr-defined]
    assert not lent._transport.is_reading()  # type: ignore[attr-defined]
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


async def deaf_visitor(tracker: RunningNode, monkeypatch: pytest.MonkeyPatch) -> TcpPeer:
    """A client that asks for a page larger than all buffers on the way, and reads nothing."""
    monkeypatch.setattr("tracker.frontends.pages._STYLE", "x" * 30_000_000)
    peer = await tracker.tcp()
    peer.writer.transport.pause_reading()  # type: ignore[attr-defined]
    await peer.send(get("/"))
    await until(lambda: tracker.http == [] and tracker.connections == 1)
    return peer


@pytest.mark.parametrize("target", ["/announce", "/stats.json", "/nothing", "*"])
async def test_a_website_is_told_that_it_may_ask(tracker: RunningNode, target: str) -> None:
    peer = await tracker.tcp()
    preflight = ("Origin: https://site.example", "Access-Control-Request-Method: GET")
    reply = await peer.ask(get(target, *preflight, method="OPTIONS"))
    assert (200, b"") == (reply.status, reply.body)
    assert "GET, HEAD, OPTIONS" == reply.headers["access-control-allow-methods"]
    assert OURS.items() <= reply.headers.items()
    assert b"" == await peer.rest()
