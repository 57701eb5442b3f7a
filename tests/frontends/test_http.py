"""Announces and scrapes over HTTP and real sockets: whole, in pieces and in heaps."""

import socket
import ssl

import pytest

from tests.frontends.clients import (
    HASH,
    OTHER_HASH,
    SCRAPE,
    announce,
    announced,
    decoded,
    get,
    query,
)
from tests.nodes import RunningNode, running_node, until
from tests.redis_servers import RedisServer, TlsFiles
from tracker.wire.compact import pack, pack_ip

LOCAL, LOCAL6 = pack_ip("127.0.0.1"), pack_ip("::1")


# Announces


async def test_two_peers_find_each_other_on_one_kept_connection(tracker: RunningNode) -> None:
    peer = await tracker.tcp()
    alone = await announced(peer, port=1001, left=0)
    assert 1620 <= alone.pop(b"interval") <= 1980  # 1800 and a tenth
    assert {
        b"complete": 1,
        b"downloaded": 0,
        b"external ip": LOCAL,
        b"incomplete": 0,
        b"min interval": 300,
        b"peers": b"",
    } == alone
    found = await announced(peer, port=1002)
    assert pack(LOCAL, 1001) == found[b"peers"]
    assert (1, 1) == (found[b"complete"], found[b"incomplete"])
    assert 2 == tracker.requests["http", "announce", "ok"]


async def test_peers_of_both_families_are_named(tracker: RunningNode) -> None:
    over_ipv4, over_ipv6 = await tracker.tcp("127.0.0.1"), await tracker.tcp("::1")
    assert b"peers6" not in await announced(over_ipv4, port=1001)
    reply = await announced(over_ipv6, port=1002)
    assert LOCAL6 == reply[b"external ip"]
    assert (pack(LOCAL, 1001), b"") == (reply[b"peers"], reply[b"peers6"])
    reply = await announced(over_ipv4, port=1001)
    assert (b"", pack(LOCAL6, 1002)) == (reply[b"peers"], reply[b"peers6"])
    assert 2 == reply[b"incomplete"]


async def test_peers_come_as_dictionaries_to_who_cannot_read_compact_ones(
    tracker: RunningNode,
) -> None:
    over_ipv4, over_ipv6 = await tracker.tcp("127.0.0.1"), await tracker.tcp("::1")
    await announced(over_ipv4, port=1001)
    await announced(over_ipv6, port=1002)
    reply = await announced(over_ipv4, port=1003, compact=0)
    assert [
        {b"ip": b"127.0.0.1", b"port": 1001},
        {b"ip": b"::1", b"port": 1002},
    ] == reply[b"peers"]


async def test_a_peer_that_stopped_is_gone_and_named_nobody(tracker: RunningNode) -> None:
    peer = await tracker.tcp()
    await announced(peer, port=1001)
    await announced(peer, port=1002)
    reply = await announced(peer, port=1001, event="stopped")
    assert (1, b"") == (reply[b"incomplete"], reply[b"peers"])
    assert b"" == (await announced(peer, port=1002))[b"peers"]


@pytest.mark.parametrize("left", [None, "", "x"])
async def test_who_does_not_say_what_is_left_downloads(
    tracker: RunningNode, left: str | None
) -> None:
    reply = await announced(await tracker.tcp(), left=left)
    assert (0, 1) == (reply[b"complete"], reply[b"incomplete"])


@pytest.mark.parametrize(
    "target",
    [
        f"/announce?{query()}",
        f"/a_pass-key.1/announce?{query()}",
        f"//announce?{query()}",
        f"http://tracker.test:8000/announce?{query()}",
        f"HTTPS://tracker.test/KEY/announce?{query()}",
        f"/announce?{query()}&trackerid=a?b&x",
        f"/announce??x=1&{query()}",
    ],
)
async def test_an_announce_is_found_under_these_targets(tracker: RunningNode, target: str) -> None:
    reply = await (await tracker.tcp()).ask(get(target))
    assert 1 == decoded(reply.body)[b"incomplete"]


async def test_a_scrape_counts_what_was_asked_for(tracker: RunningNode) -> None:
    peer = await tracker.tcp()
    await announced(peer)
    await announced(peer, left=0, event="completed")
    await announced(peer, info_hash=OTHER_HASH)
    reply = await peer.ask(get(f"/KEY{SCRAPE}&info_hash={'%00' * 20}"))
    nobody = {b"complete": 0, b"downloaded": 0, b"incomplete": 0}
    files = {HASH: {b"complete": 1, b"downloaded": 1, b"incomplete": 0}, bytes(20): nobody}
    assert {b"files": files} == decoded(reply.body)
    assert 1 == tracker.requests["http", "scrape", "ok"]


# Bytes in, in all portions


async def test_a_request_may_come_byte_by_byte(tracker: RunningNode) -> None:
    peer = await tracker.tcp()
    peer.writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for byte in announce():
        await peer.send(bytes([byte]))
    assert 200 == (await peer.reply()).status


async def test_pipelined_requests_are_answered_in_order(tracker: RunningNode) -> None:
    peer = await tracker.tcp()
    await peer.send(announce(port=1001) + get(SCRAPE) + announce(port=1002))
    replies = [decoded((await peer.reply()).body) for _ in range(3)]
    assert 1 == replies[0][b"incomplete"]
    assert 1 == replies[1][b"files"][HASH][b"incomplete"]
    assert pack(LOCAL, 1001) == replies[2][b"peers"]


async def test_a_long_pipeline_of_refusals_is_answered_in_order(tracker: RunningNode) -> None:
    peer = await tracker.tcp()
    await peer.send(get("/announce") * 1500)
    for _ in range(1500):
        assert (
            b"info_hash must be 20 bytes" == decoded((await peer.reply()).body)[b"failure reason"]
        )


async def test_a_pipeline_longer_than_a_head_waits_in_the_kernel(
    tracker: RunningNode, redis: RedisServer
) -> None:
    peer = await tracker.tcp()
    redis.pause()
    await peer.send(announce())
    await until(lambda: tracker.node.redis.in_flight == 1)
    await peer.send(get(SCRAPE) * 200)
    (connection,) = tracker.http
    await until(lambda: len(connection._buffer) == 8192 + 4)
    redis.resume()
    assert [200] * 201 == [(await peer.reply()).status for _ in range(201)]


async def test_empty_lines_before_a_request_are_skipped(tracker: RunningNode) -> None:
    peer = await tracker.tcp()
    assert 200 == (await peer.ask(b"\r\n\r\n" + announce())).status
    assert 200 == (await peer.ask(b"\r\n" + announce())).status


# Addresses


@pytest.mark.parametrize(
    ("header", "address"),
    [
        ("X-Forwarded-For: 203.0.113.9", "203.0.113.9"),
        ("X-Forwarded-For: 192.0.2.1, 203.0.113.9", "203.0.113.9"),
        ("X-Forwarded-For: 203.0.113.9, 10.1.1.1", "203.0.113.9"),
        ("X-Forwarded-For: ::ffff:203.0.113.9", "203.0.113.9"),
        ("X-Forwarded-For: 2001:db8::9", "2001:db8::9"),
        ('Forwarded: for=192.0.2.1, for="[2001:db8::9]:80";proto=http', "2001:db8::9"),
    ],
)
async def test_a_trusted_proxy_tells_the_address(
    redis: RedisServer, header: str, address: str
) -> None:
    listen = {"trusted_proxies": ["127.0.0.1", "10.0.0.0/8"]}
    async with running_node(redis.url, listen=listen) as tracker:
        reply = await announced(await tracker.tcp(), header)
        assert pack_ip(address) == reply[b"external ip"]
        other = "X-Forwarded-For: 198.51.100.1"
        found = await announced(await tracker.tcp(), other, port=1)
    endpoint = pack(pack_ip(address), 6881)
    assert endpoint == found[b"peers"] + found.get(b"peers6", b"")


@pytest.mark.parametrize("header", ["X-Forwarded-For: 203.0.113.9", "Forwarded: for=203.0.113.9"])
async def test_nobody_else_tells_an_address(redis: RedisServer, header: str) -> None:
    async with running_node(redis.url, listen={"trusted_proxies": ["10.0.0.0/8"]}) as tracker:
        reply = await announced(await tracker.tcp(), header)
    assert LOCAL == reply[b"external ip"]


@pytest.mark.parametrize("named", [False, True])
async def test_addresses_that_announces_name_count_only_where_set(
    redis: RedisServer, named: bool
) -> None:
    async with running_node(redis.url, announce={"client_addresses": named}) as tracker:
        peer = await tracker.tcp()
        await announced(peer, port=1001, ip="10.0.0.7")
        await announced(peer, port=1002, ip="a.name", ipv6="[::1]:5", ipv4="10.0.0.8")
        await announced(peer, port=1003, ip="a.name")
        found = (await announced(peer, port=1004))[b"peers"]
    ips = ("10.0.0.7", "10.0.0.8", "127.0.0.1") if named else ("127.0.0.1",) * 3
    endpoints = {pack(pack_ip(ip), 1001 + at) for at, ip in enumerate(ips)}
    assert endpoints == {found[at : at + 6] for at in range(0, len(found), 6)}


async def test_a_name_in_an_announce_may_not_be_undialable(redis: RedisServer) -> None:
    async with running_node(redis.url, announce={"client_addresses": True}) as tracker:
        reply = await announced(await tracker.tcp(), ip="0.0.0.0")
    assert {b"failure reason": b"this address can not be connected to"} == reply


# The store is away


async def test_without_redis_the_answer_is_a_failure_and_later_all_is_well(
    tracker: RunningNode, redis: RedisServer
) -> None:
    peer = await tracker.tcp()
    redis.kill()
    await tracker.redis_gone()
    failure = {b"failure reason": b"the tracker's store is away", b"retry in": 2}
    assert failure == await announced(peer)
    assert failure == decoded((await peer.ask(get(SCRAPE))).body)
    assert 1 == tracker.requests["http", "announce", "unavailable"]
    assert 1 == tracker.requests["http", "scrape", "unavailable"]
    redis.start()
    await tracker.redis_back()
    assert 1 == (await announced(peer))[b"incomplete"]


async def test_who_waits_when_redis_goes_is_told(tracker: RunningNode, redis: RedisServer) -> None:
    announcer, scraper = await tracker.tcp(), await tracker.tcp()
    redis.pause()
    await announcer.send(announce())
    await scraper.send(get(SCRAPE))
    await until(lambda: tracker.node.redis.in_flight == 2)
    redis.kill()
    for peer in announcer, scraper:
        assert 2 == decoded((await peer.reply()).body)[b"retry in"]


async def test_too_many_in_flight_is_a_failure_at_once(redis: RedisServer) -> None:
    async with running_node(redis.url, redis={"max_in_flight": 1}) as tracker:
        first, second = await tracker.tcp(), await tracker.tcp()
        redis.pause()
        await first.send(announce())
        await until(lambda: tracker.node.redis.in_flight == 1)
        assert b"the tracker is overloaded" == (await announced(second))[b"failure reason"]
        assert 1 == tracker.requests["http", "announce", "overloaded"]
        redis.resume()
        assert 200 == (await first.reply()).status


# TLS


async def test_https_serves_the_same(redis: RedisServer, tls_files: TlsFiles) -> None:
    trust = ssl.create_default_context(cafile=tls_files.ca)
    files = {"cert": tls_files.cert, "key": tls_files.key}
    async with running_node(redis.url, tls=files) as tracker:
        peer = await tracker.tcp(ssl=trust)
        assert 1 == (await announced(peer))[b"incomplete"]
        assert 1 == (await announced(peer))[b"incomplete"]
        assert 404 == (await peer.ask(get("/nowhere"))).status


@pytest.mark.parametrize("path", ["/", "/stats", "/announce.aspx", "/index.html"])
async def test_an_announce_elsewhere_is_told_the_right_path(
    tracker: RunningNode, path: str
) -> None:
    peer = await tracker.tcp()
    reply = await peer.ask(get(f"{path}?{query()}"))
    assert {b"failure reason": b"the announce URL ends with /announce"} == decoded(reply.body)
    assert 200 == reply.status
    assert 1 == tracker.requests["http", "elsewhere", "denied"]
    assert b"peers" in await announced(peer)


@pytest.mark.parametrize(
    "headers",
    [
        ("Connection: upgrade",),
        ("Connection: Upgrade", "Upgrade: websocket"),
        ("Connection: upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__"),
        ("Connection: keep-alive, X-Hop", "Keep-Alive: timeout=5", "X-Hop: 1"),
        ("TE: trailers", "Trailer: X", "Accept-Encoding: br, gzip", "Content-Length: 0"),
        ("Content-Length: 0", "Content-Length: 0"),
        ("Content-Length: 0, 0", "Connection: close"),
        ("Via: 1.1 proxy", "Max-Forwards: 10", "Proxy-Connection: keep-alive", "Cache-Control: x"),
    ],
)
@pytest.mark.parametrize("before", ["", "http://tracker.example:80"])
@pytest.mark.parametrize("after", ["", "&", "&&x=&=y&"])
async def test_what_a_proxy_adds_does_not_change_an_announce(
    tracker: RunningNode, headers: tuple[str, ...], before: str, after: str
) -> None:
    peer = await tracker.tcp()
    reply = await peer.ask(get(f"{before}/%61nnounce?{query()}{after}", *headers))
    assert (200, True) == (reply.status, b"peers" in decoded(reply.body))
    if reply.headers.get("connection") != "close":
        assert b"peers" in await announced(peer)


@pytest.mark.parametrize("trusted", [[], ["127.0.0.1"]], ids=["direct", "proxied"])
@pytest.mark.parametrize("parts", [1, 2, 6])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_an_empty_chunked_body_does_not_change_an_announce(
    redis: RedisServer, method: str, parts: int, trusted: list[str]
) -> None:
    """The request comes whole, with its body apart, or with the body byte by byte."""
    headers = "Transfer-Encoding: chunked", "X-Forwarded-For: 192.0.2.1"
    async with running_node(redis.url, listen={"trusted_proxies": trusted}) as tracker:
        peer = await tracker.tcp()
        head = get(f"/announce?{query()}", *headers, method=method)
        body = b"0\r\n\r\n"
        for _ in range(2):
            await peer.send(head if parts > 1 else head + body)
            if parts == 2:
                await until(lambda: [c._buffer for c in tracker.http] == [head])
                await peer.send(body)
            for at in range(len(body) if parts == 6 else 0):
                expected = head + body[:at]
                await until(lambda: [c._buffer for c in tracker.http] == [expected])  # noqa: B023
                await peer.send(body[at : at + 1])
            assert 200 == (await peer.reply(head_only=method == "HEAD")).status
        assert b"peers" in await announced(peer, headers[1])
        assert 3 == tracker.requests["http", "announce", "ok"]
        assert {} == tracker.closed


async def test_an_empty_chunked_body_of_other_requests_is_dropped(tracker: RunningNode) -> None:
    chunked, body = "Transfer-Encoding: chunked", b"0\r\n\r\n"
    peer = await tracker.tcp()
    assert b"files" in (await peer.ask(get(SCRAPE, chunked) + body)).body
    assert 200 == (await peer.ask(get("/stats", chunked) + body)).status
    options = get("/announce", chunked, method="OPTIONS") + body
    assert 200 == (await (await tracker.tcp()).ask(options)).status
