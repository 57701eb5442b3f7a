"""Requests through a proxy that keeps connections, and forged addresses of clients."""

import asyncio
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.frontends.clients import announce, decoded, get
from tests.hostile.addresses import address
from tests.hostile.arena import Arena, arena
from tests.nodes import DEADLINE_S, TcpPeer
from tests.tools import MORTAL, require, reserved_port

NETWORK = 190
PROXY = address(NETWORK, 0)
POLL_S = 0.05
CONFIGURATION = """
global
    maxconn 100
defaults
    mode http
    timeout connect 1s
    timeout client 5s
    timeout server 5s
    http-reuse always
    option forwardfor
frontend clients
    bind 127.0.0.1:{port}
    default_backend tracker
backend tracker
    # A single connection, so that each request follows an attacker's.
    server tracker 127.0.0.1:{to} source {source} maxconn 1 pool-max-conn 1
"""
EMPTY = b"0\r\n\r\n"
# What one client sends through the proxy. None of them may break the next client's announce.
ATTACKS = {
    "Expect": get("/stats", "Expect: foo"),
    "Expect of an announce": announce("Expect: foo"),
    "Expect 100": get("/stats", "Expect: 100-continue"),
    "Expect with a body": get("/", "Expect: foo", "Content-Length: 5", method="POST") + b"GET /",
    "body": get("/stats", "Content-Length: 5") + b"GET /",
    "body of an announce": announce("Content-Length: 5") + b"GET /",
    "empty chunks of an announce": announce("Transfer-Encoding: chunked") + EMPTY,
    "chunks of an announce": announce("Transfer-Encoding: chunked") + b"5\r\nGET /\r\n0\r\n\r\n",
    "chunks in HTTP/1.0": get("/announce", "Transfer-Encoding: chunked", version="1.0") + EMPTY,
    "lengths of 0": announce("Content-Length: 0", "Content-Length: 0"),
    "a length and chunks": announce("Content-Length: 0", "Transfer-Encoding: chunked") + EMPTY,
    "chunks": get("/", "Transfer-Encoding: chunked", method="POST") + EMPTY,
    "HEAD": get("/stats", method="HEAD"),
    "OPTIONS": get("/stats", method="OPTIONS"),
    "unknown method": get("/stats", method="BREW"),
    "upgrade": get("/", "Upgrade: h2c", "Connection: Upgrade"),
    "half a WebSocket": get("/", "Upgrade: websocket", "Connection: Upgrade"),
    "page": get("/nothing"),
}


@pytest.fixture(scope="module")
def ground() -> Iterator[Arena]:
    """A tracker that trusts one proxy; the good clients connect directly."""
    with arena("--trusted-proxies", PROXY) as running:
        yield running


@pytest.fixture(scope="module")
def haproxy(ground: Arena, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a haproxy in front of the tracker, which reuses connections."""
    file: Path = tmp_path_factory.mktemp("haproxy") / "haproxy.cfg"
    command = [*MORTAL, require("haproxy"), "-db", "-f", str(file)]
    with reserved_port() as port:
        to = ground.tracker.ports["http"]
        file.write_text(CONFIGURATION.format(port=port, to=to, source=PROXY))
        with subprocess.Popen(command) as process:
            try:
                asyncio.run(_listens(port))
                yield port
            finally:
                process.kill()


@asynccontextmanager
async def tcp_peer(port: int) -> AsyncIterator[TcpPeer]:
    """A connection that is closed whatever becomes of the test."""
    peer = TcpPeer(*await asyncio.open_connection("127.0.0.1", port))
    try:
        yield peer
    finally:
        await peer.close()


async def _listens(port: int) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except ConnectionRefusedError:
                await asyncio.sleep(POLL_S)
            else:
                writer.close()
                return


@pytest.mark.parametrize("attack", ATTACKS)
async def test_a_request_through_a_proxy_does_not_break_the_next_one(
    haproxy: int, attack: str
) -> None:
    for _ in range(5):
        async with tcp_peer(haproxy) as attacker, tcp_peer(haproxy) as client:
            await attacker.send(ATTACKS[attack])
            async with asyncio.timeout(DEADLINE_S):
                await attacker.reader.read(1)
            reply = await client.ask(announce("Connection: close"))
            assert 200 == reply.status
            assert b"interval" in decoded(reply.body)


@pytest.mark.parametrize(
    "header",
    ["X-Forwarded-For: 198.51.100.7", "Forwarded: for=198.51.100.7", "X-Real-IP: 198.51.100.7"],
)
async def test_a_stranger_cannot_forge_the_address_of_its_announce(
    ground: Arena, haproxy: int, header: str
) -> None:
    """Neither directly nor through the proxy, which appends the address that it saw."""
    info_hash = b"swarm of forgers %03d" % len(header)
    for port in (ground.tracker.ports["http"], haproxy):
        async with tcp_peer(port) as forger:
            await forger.ask(announce(header, "Connection: close", info_hash=info_hash))
    with ground.redis.client() as redis:
        members = redis.zrange(b"4{:" + info_hash + b"}", 0, -1)
    assert {b"\x7f\0\0\1"} == {member[:4] for member in members}
