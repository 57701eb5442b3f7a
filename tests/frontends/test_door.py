"""The TCP port: who is let in, whose connection it is, and who serves it."""

import json
import socket
import struct
from collections.abc import Callable

import bencodepy
import pytest
from websockets.frames import Opcode

from tests.frontends.clients import HASH, announce, browser, decoded, get
from tests.frontends.test_websocket import SCRAPE, UPGRADE, frame, read_frame
from tests.nodes import RunningNode, TcpPeer, running_node, until
from tests.redis_servers import RedisServer
from tracker.wire.compact import pack_ip
from tracker.wire.proxy_protocol import Address, encode_v1, encode_v2

CLIENT, PROXY = (pack_ip("203.0.113.9"), 4444), (pack_ip("127.0.0.1"), 80)
CLIENT6, PROXY6 = (pack_ip("2001:db8::9"), 4444), (pack_ip("::1"), 80)
Encode = Callable[[Address, Address], bytes]

UNLIMITED = {"max_connections_per_address": 0}
BEHIND_PROXY = {"proxy_protocol": True, "trusted_proxies": ["127.0.0.1"]}


async def external_ip(peer: TcpPeer, before: bytes = b"", *headers: str) -> bytes:
    """The address that the tracker takes us for."""
    reply = await peer.ask(before + announce(*headers))
    ip: bytes = bencodepy.decode(reply.body)[b"external ip"]
    return ip


# Pages


@pytest.mark.parametrize(
    ("target", "status", "content"),
    [
        ("/", 200, "text/html"),
        ("/stats", 200, "text/html"),
        ("/stats.json", 200, "application/json"),
        ("/nowhere", 404, "text/plain"),
        ("/a/b/announce", 404, "text/plain"),
    ],
)
@pytest.mark.parametrize("kept", [False, True])
async def test_what_is_no_announce_or_scrape_is_a_page(
    tracker: RunningNode, target: str, status: int, content: str, kept: bool
) -> None:
    peer = await tracker.tcp()
    if kept:
        await peer.send(announce())
        assert 200 == (await peer.reply()).status
    reply = await peer.ask(get(target))
    assert (status, content) == (reply.status, reply.headers["content-type"].split(";")[0])
    assert b"" == await peer.rest()
    await until(lambda: tracker.connections == 0)


async def test_a_page_may_be_the_next_of_a_pipeline(tracker: RunningNode) -> None:
    peer = await tracker.tcp()
    await peer.send(announce() + get("/stats.json"))
    assert 200 == (await peer.reply()).status
    assert "version" in json.loads((await peer.reply()).body)
    assert {("http", "announce", "ok"): 1, ("http", "page", "ok"): 1} == tracker.requests


async def test_the_body_of_a_request_for_a_page_is_taken_along(tracker: RunningNode) -> None:
    peer = await tracker.tcp()
    head = get("/stats", "Content-Length: 4", method="POST")
    assert 405 == (await peer.ask(head + b"body")).status


async def test_a_visitor_who_hangs_up_has_left(tracker: RunningNode) -> None:
    peer = await tracker.tcp()
    await peer.send(get("/stats", "Content-Length: 100"))
    await peer.close()
    await until(lambda: tracker.connections == 0)


# One port for all, or not


async def test_a_port_without_websocket_has_a_page_for_browsers(redis: RedisServer) -> None:
    async with running_node(redis.url, listen={"only": ["http"]}) as tracker:
        assert {"http"} == tracker.node.ports.keys()
        peer = await tracker.tcp()
        upgrade = "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Key: x"
        assert 404 == (await peer.ask(get("/announce", *upgrade))).status


async def test_a_port_without_http_serves_no_announces(redis: RedisServer) -> None:
    async with running_node(redis.url, listen={"only": ["ws"]}) as tracker:
        peer = await tracker.tcp(protocol="ws")
        assert 404 == (await peer.ask(announce())).status
        assert b"" == await peer.rest()
        assert 1 == tracker.requests["http", "other", "404"]
        async with browser(tracker) as one:
            await one.announce()


@pytest.mark.parametrize(
    "added",
    [
        ("Connection: keep-alive", "Content-Length: 0", "Content-Length: 0"),
        ("Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__"),
        ("Transfer-Encoding: chunked",),
        ("Sec-WebSocket-Protocol: chat", "Sec-WebSocket-Extensions: permessage-deflate"),
        tuple(f"X-{number}: {'x' * 50}" for number in range(90)),
    ],
)
@pytest.mark.parametrize("first", [True, False])
async def test_what_a_proxy_adds_does_not_change_a_handshake(
    tracker: RunningNode, added: tuple[str, ...], first: bool
) -> None:
    peer = await tracker.tcp(protocol="ws")
    headers = (*added, *UPGRADE) if first else (*UPGRADE, *added)
    body = b"0\r\n\r\n" if "Transfer-Encoding: chunked" in added else b""
    await peer.send(get("/", *headers) + body + frame(Opcode.TEXT, SCRAPE))
    answer = await peer.reader.readuntil(b"\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 101 ")
    assert b"Upgrade: websocket\r\n" in answer
    assert b"Sec-WebSocket-Protocol" not in answer
    assert b"Sec-WebSocket-Extensions" not in answer
    assert Opcode.TEXT is (await read_frame(peer))[0]


# Limits


async def test_only_so_many_connections_are_open(redis: RedisServer) -> None:
    async with running_node(redis.url, listen={"max_connections": 2, **UNLIMITED}) as tracker:
        first = await tracker.tcp()
        async with browser(tracker):
            assert 200 == (await first.ask(announce())).status
            assert b"" == await (await tracker.tcp()).rest()
            assert {("tcp", "full"): 1} == tracker.closed
        await until(lambda: tracker.connections == 1)
        assert 200 == (await (await tracker.tcp()).ask(announce())).status


async def test_an_address_has_only_so_many_connections(redis: RedisServer) -> None:
    listen = {"max_connections_per_address": 2, "trusted_proxies": ["127.0.0.9"]}
    async with running_node(redis.url, listen=listen) as tracker:
        first, second = await tracker.tcp(), await tracker.tcp()
        assert 200 == (await first.ask(announce())).status
        assert 404 == (await second.ask(get("/nowhere"))).status
        await until(lambda: tracker.connections == 1)
        second = await tracker.tcp()
        assert 200 == (await second.ask(announce())).status
        assert b"" == await (await tracker.tcp()).rest()
        assert {("tcp", "address"): 1} == tracker.closed
        for _ in range(3):
            proxied = await tracker.tcp(local="127.0.0.9")
            assert 200 == (await proxied.ask(announce())).status
        await first.close()
        await second.close()
        await until(lambda: tracker.connections == 3)
        assert 200 == (await (await tracker.tcp()).ask(announce())).status


# PROXY protocol


@pytest.mark.parametrize("encode", [encode_v1, encode_v2])
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_a_proxy_tells_who_is_behind_it(
    redis: RedisServer, encode: Encode, host: str
) -> None:
    listen = {"proxy_protocol": True, "trusted_proxies": ["127.0.0.1", "::1"]}
    async with running_node(redis.url, listen=listen) as tracker:
        for source, destination in (CLIENT, PROXY), (CLIENT6, PROXY6):
            peer = await tracker.tcp(host)
            assert source[0] == await external_ip(peer, encode(source, destination))
            assert source[0] == await external_ip(peer)


@pytest.mark.parametrize(
    "head", [encode_v1(CLIENT, PROXY), encode_v2(CLIENT, PROXY)], ids=["v1", "v2"]
)
async def test_the_proxy_s_head_may_come_byte_by_byte(redis: RedisServer, head: bytes) -> None:
    async with running_node(redis.url, listen=BEHIND_PROXY) as tracker:
        peer = await tracker.tcp()
        peer.writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in head:
            await peer.send(bytes([byte]))
        assert CLIENT[0] == await external_ip(peer)


@pytest.mark.parametrize(
    "head",
    [b"PROXY UNKNOWN\r\n", b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0", b"\r\n\r\n\0\r\nQUIT\n\x21\0\0\0"],
)
async def test_a_proxy_that_speaks_for_itself_is_no_peer(redis: RedisServer, head: bytes) -> None:
    async with running_node(redis.url, listen=BEHIND_PROXY) as tracker:
        peer = await tracker.tcp()
        await peer.send(head)
        assert {b"failure reason"} == decoded((await peer.ask(announce())).body).keys()
        assert 200 == (await peer.ask(get("/stats"))).status


async def test_a_client_behind_the_proxy_tells_no_address(redis: RedisServer) -> None:
    async with running_node(redis.url, listen=BEHIND_PROXY) as tracker:
        head, lie = encode_v1(CLIENT, PROXY), "X-Forwarded-For: 192.0.2.1"
        assert CLIENT[0] == await external_ip(await tracker.tcp(), head, lie)


async def test_a_proxy_s_proxy_may_be_trusted_too(redis: RedisServer) -> None:
    listen = {"proxy_protocol": True, "trusted_proxies": ["127.0.0.1", "203.0.113.0/24"]}
    async with running_node(redis.url, listen=listen) as tracker:
        head, truth = encode_v1(CLIENT, PROXY), "X-Forwarded-For: 198.51.100.7"
        assert pack_ip("198.51.100.7") == await external_ip(await tracker.tcp(), head, truth)


async def test_a_browser_may_come_through_the_proxy(redis: RedisServer) -> None:
    async with running_node(redis.url, listen=BEHIND_PROXY) as tracker:
        peer = await tracker.tcp()
        upgrade = "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13"
        key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
        await peer.send(encode_v2(CLIENT, PROXY) + get("/", *upgrade, key))
        assert b"101" in await peer.reader.readuntil(b"\r\n\r\n")
        assert 1 == len(tracker.node.sessions)


@pytest.mark.parametrize(
    "data", [announce(), b"PROXY TCP4 x\r\n", b"PROXY " + b"x" * 200, encode_v2(CLIENT, PROXY)[:-9]]
)
async def test_a_connection_that_does_not_begin_with_a_proxy_s_head_is_cut(
    redis: RedisServer, data: bytes
) -> None:
    async with running_node(redis.url, listen=BEHIND_PROXY) as tracker:
        peer = await tracker.tcp()
        if data.startswith(b"\r\n"):  # whole, but for too few bytes of addresses
            data = data[:14] + struct.pack("!H", len(data) - 16) + data[16:]
        await peer.send(data)
        assert b"" == await peer.rest()
        assert {("tcp", "proxy"): 1} == tracker.closed
        assert CLIENT[0] == await external_ip(await tracker.tcp(), encode_v1(CLIENT, PROXY))


async def test_only_a_trusted_proxy_may_tell_who_is_behind_it(redis: RedisServer) -> None:
    async with running_node(redis.url, listen=BEHIND_PROXY) as tracker:
        peer = await tracker.tcp(local="127.0.0.2")
        assert b"" == await peer.rest()
        assert {("tcp", "proxy"): 1} == tracker.closed


async def test_a_proxy_s_head_must_come_in_time(redis: RedisServer) -> None:
    async with running_node(redis.url, listen=BEHIND_PROXY) as tracker:
        peer = await tracker.tcp()
        await peer.send(b"PROXY ")
        slots = tracker.node.wheel._slots
        await until(
            lambda: [b"PROXY "] == [each._buffer for slot in slots.values() for each in slot]  # type: ignore[attr-defined]
        )
        tracker.pass_time(9)
        assert {} == tracker.closed
        tracker.pass_time(2)
        assert b"" == await peer.rest()
        assert {("tcp", "slow"): 1} == tracker.closed


async def test_proxies_that_are_gone_at_once_leave_no_trace(redis: RedisServer) -> None:
    async with running_node(redis.url, listen=BEHIND_PROXY) as tracker:
        for _ in range(5):
            with socket.create_connection(("127.0.0.1", tracker.port())) as visitor:
                reset = struct.pack("ii", 1, 0)
                visitor.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
        assert CLIENT[0] == await external_ip(await tracker.tcp(), encode_v1(CLIENT, PROXY))
        assert {} == tracker.closed


async def test_connections_of_one_client_behind_a_proxy_are_counted_for_it(
    redis: RedisServer,
) -> None:
    listen = BEHIND_PROXY | {"max_connections_per_address": 1}
    async with running_node(redis.url, listen=listen) as tracker:
        first, second, other = await tracker.tcp(), await tracker.tcp(), await tracker.tcp()
        assert CLIENT[0] == await external_ip(first, encode_v1(CLIENT, PROXY))
        await second.send(encode_v1(CLIENT, PROXY) + announce())
        assert b"" == await second.rest()
        assert {("tcp", "address"): 1} == tracker.closed
        assert CLIENT6[0] == await external_ip(other, encode_v1(CLIENT6, PROXY6))


# The end


async def test_while_draining_no_connection_is_kept_for_another_request(
    tracker: RunningNode, redis: RedisServer
) -> None:
    asking, kept = await tracker.tcp(), await tracker.tcp()
    assert 200 == (await kept.ask(announce())).status
    redis.pause()
    await asking.send(announce() + announce())
    await until(lambda: tracker.node.redis.in_flight == 1)
    tracker.node.tcp.drain()
    tracker.node.tcp.close_kept()
    assert b"" == await kept.rest()
    redis.resume()
    reply = await asking.reply()
    assert (200, "close") == (reply.status, reply.headers["connection"])
    assert b"" == await asking.rest()


async def test_who_has_not_asked_or_not_to_the_end_may_go_on_in_a_drain(
    tracker: RunningNode,
) -> None:
    silent, begun, again = [await tracker.tcp() for _ in range(3)]
    request = announce()
    assert 200 == (await again.ask(request)).status
    for peer in begun, again:
        await peer.send(request[:9])
    await until(lambda: sum(bool(each._buffer) for each in tracker.http) == 2)
    assert 3 == tracker.connections
    tracker.node.tcp.close_kept()
    tracker.node.tcp.close_kept(unasked=True)
    assert b"" == await silent.rest()
    for peer in begun, again:
        assert 200 == (await peer.ask(request[9:])).status


async def test_what_is_still_open_can_be_cut(tracker: RunningNode) -> None:
    peer = await tracker.tcp()
    assert 200 == (await peer.ask(announce())).status
    async with browser(tracker) as one:
        await one.announce(info_hash=HASH.decode("latin-1"))
        for connection in tracker.node.tcp.connections:
            if connection.owner in tracker.http:
                connection.owner.abort()
        assert b"" == await peer.rest()
        await one.announce()


async def test_the_header_that_names_the_client_can_be_chosen(redis: RedisServer) -> None:
    listen = {"trusted_proxies": ["127.0.0.1"], "client_header": "CF-Connecting-IP"}
    async with running_node(redis.url, listen=listen) as tracker:
        peer = await tracker.tcp()
        headers = "X-Forwarded-For: 192.0.2.1", "cf-connecting-ip: 198.51.100.7"
        reply = await peer.ask(announce(*headers))
        assert pack_ip("198.51.100.7") == decoded(reply.body)[b"external ip"]
