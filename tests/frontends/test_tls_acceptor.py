"""TLS connections: counted before their handshake, which is bounded in number and time."""

import asyncio
import gc
import os
import socket
import ssl
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.frontends.clients import announced
from tests.nodes import RunningNode, TcpPeer, running_node, until
from tests.redis_servers import RedisServer, TlsFiles
from tracker.frontends import tls_acceptor
from tracker.frontends.tls_acceptor import TlsAcceptor

FEW = 4  # handshakes at once
OTHER = "127.0.0.2"


@pytest.fixture
def trust(tls_files: TlsFiles) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=tls_files.ca)


@pytest.fixture
def tls(tls_files: TlsFiles) -> dict[str, Any]:
    return {"cert": tls_files.cert, "key": tls_files.key}


@pytest.fixture
async def secure(redis: RedisServer, tls: dict[str, Any]) -> AsyncIterator[RunningNode]:
    """A tracker that speaks TLS on its TCP port, with few handshakes at once."""
    async with running_node(redis.url, tls=tls, limits={"handshakes": FEW}) as tracker:
        yield tracker


def the_acceptor(tracker: RunningNode) -> TlsAcceptor:
    """The one of IPv4."""
    found = [each for each in tracker.node.tcp._acceptors if isinstance(each, TlsAcceptor)]
    return next(each for each in found if each._sock.family == socket.AF_INET)


async def test_a_handshake_costs_as_much_as_many_requests(
    redis: RedisServer, tls: dict[str, Any], trust: ssl.SSLContext
) -> None:
    limits = {"work_burst": 100, "work_per_second": 0.01}
    async with running_node(redis.url, tls=tls, limits=limits) as tracker:
        for _ in range(100 // 22):
            await announced(await tracker.tcp(ssl=trust))
        with pytest.raises(OSError):  # noqa: PT011 - reset or closed, as it comes
            await tracker.tcp(ssl=trust)
        assert {("tcp", "work"): 1} == tracker.closed
        await announced(await tracker.tcp(ssl=trust, local=OTHER))


@pytest.mark.parametrize(
    "data", [b"", b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x00\xc8" + bytes(200)]
)
async def test_what_is_no_handshake_is_closed_and_counted(
    secure: RunningNode, trust: ssl.SSLContext, data: bytes
) -> None:
    peer = await secure.tcp()
    await until(lambda: secure.connections == 1)
    if data:
        await peer.send(data)
        await peer.rest()
    else:
        await peer.close()
    await until(lambda: secure.connections == 0)
    assert {("tcp", "handshake"): 1} == secure.closed
    await announced(await secure.tcp(ssl=trust))


async def test_a_handshake_has_its_time(redis: RedisServer, tls: dict[str, Any]) -> None:
    async with running_node(redis.url, tls=tls, http={"request_timeout": 0.2}) as tracker:
        peer = await tracker.tcp()
        assert b"" == await peer.rest()
        await until(lambda: tracker.connections == 0)
        assert {("tcp", "handshake"): 1} == tracker.closed


async def test_silent_clients_do_not_keep_others_from_their_handshake(
    secure: RunningNode, trust: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tls_acceptor, "MATURE_S", 0.05)
    silent = [await secure.tcp() for _ in range(3 * FEW)]
    await announced(await secure.tcp(ssl=trust, local=OTHER))
    await until(lambda: secure.closed["tcp", "handshake"] >= 2 * FEW)
    assert len(the_acceptor(secure).places) <= FEW
    for peer in silent:
        await peer.close()


@pytest.mark.parametrize("stalled", [b"", b"\x16\x03\x01\x00\xc8"])
async def test_stalled_handshakes_of_one_address_do_not_delay_another(
    secure: RunningNode, trust: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch, stalled: bytes
) -> None:
    monkeypatch.setattr(tls_acceptor, "MATURE_S", 1e9)  # only the newcomer cuts
    for _ in range(5 * FEW):
        await (await secure.tcp()).send(stalled)
    await until(lambda: secure.connections == 5 * FEW)
    for local in (OTHER, "127.0.0.3"):
        await announced(await secure.tcp(ssl=trust, local=local))
    assert {("tcp", "handshake"): 2} == secure.closed  # each newcomer took one place


async def test_a_waiting_handshake_of_the_same_address_gets_the_place_of_an_overdue_one(
    secure: RunningNode, trust: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tls_acceptor, "MATURE_S", 0.05)
    for _ in range(FEW):
        await secure.tcp()
    await until(lambda: secure.connections == FEW)
    await announced(await secure.tcp(ssl=trust))
    assert {("tcp", "handshake"): 1} == secure.closed


async def test_the_oldest_handshake_is_cut_when_each_address_has_one(
    secure: RunningNode, trust: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tls_acceptor, "MATURE_S", 0.05)
    stalled = [await secure.tcp(local=f"127.0.1.{number}") for number in range(1, FEW + 1)]
    await until(lambda: secure.connections == FEW)
    await announced(await secure.tcp(ssl=trust, local=OTHER))
    assert b"" == await stalled[0].rest()
    assert {("tcp", "handshake"): 1} == secure.closed


async def test_a_connection_that_waits_for_a_handshake_has_a_deadline(
    redis: RedisServer, tls: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tls_acceptor, "MATURE_S", 1e9)
    http, limits = {"request_timeout": 0.2}, {"handshakes": 1}
    async with running_node(redis.url, tls=tls, http=http, limits=limits) as tracker:
        for peer in [await tracker.tcp() for _ in range(3)]:
            assert b"" == await peer.rest()
        await until(lambda: tracker.connections == 0)
        assert {("tcp", "handshake"): 3} == tracker.closed


async def test_many_handshakes_at_once_all_succeed(
    secure: RunningNode, trust: ssl.SSLContext
) -> None:
    peers = await asyncio.gather(*(secure.tcp(ssl=trust) for _ in range(30)))
    for peer in peers:
        await announced(peer)
    assert {} == secure.closed
    await until(lambda: len(the_acceptor(secure).places) == 0)


async def test_accepting_goes_on_after_a_failure(
    secure: RunningNode, trust: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Exhausted:
        """A listening socket for which there are no files."""

        def accept(self) -> None:
            raise OSError(24, "Too many open files")

        def fileno(self) -> int:
            return listening.fileno()

    one = the_acceptor(secure)
    listening = one._sock
    monkeypatch.setattr(one, "_sock", Exhausted())
    one._accept()
    assert not one._accepting
    monkeypatch.undo()
    await announced(await secure.tcp(ssl=trust))


async def test_the_end_cuts_handshakes(redis: RedisServer, tls: dict[str, Any]) -> None:
    async with running_node(redis.url, tls=tls, limits={"handshakes": 1}) as tracker:
        peers = [await tracker.tcp() for _ in range(3)]  # one has a place, the others wait
        await until(lambda: tracker.connections == 3)
        await tracker.node.tcp.close()
        for peer in peers:
            assert b"" == await peer.rest()
        assert 0 == tracker.connections


async def test_a_connection_is_shed_in_its_handshake(
    redis: RedisServer, tls: dict[str, Any], trust: ssl.SSLContext
) -> None:
    listen = {"max_connections": 3, "max_connections_per_address": 0}
    async with running_node(redis.url, tls=tls, listen=listen) as tracker:
        for _ in range(3):
            await tracker.tcp()
        await until(lambda: tracker.connections == 3)
        await announced(await tracker.tcp(ssl=trust, local=OTHER))
        assert {("tcp", "shed"): 1, ("tcp", "handshake"): 1} == tracker.closed


async def test_a_connection_that_is_shed_before_its_handshake_leaves_no_file(
    redis: RedisServer, tls: dict[str, Any], trust: ssl.SSLContext
) -> None:
    listen = {"max_connections": 6, "max_connections_per_address": 0}
    limits = {"handshakes": 1}
    async with running_node(redis.url, tls=tls, listen=listen, limits=limits) as tracker:
        gc.disable()
        try:
            peers = [await tracker.tcp() for _ in range(6)]
            await until(lambda: tracker.connections == 6)
            acceptor = the_acceptor(tracker)
            files = len(os.listdir("/proc/self/fd"))
            for connection in list(tracker.node.tcp.connections)[1:]:  # all but one wait
                owner = connection.owner
                connection.left()
                owner.abort()
            await until(lambda: len(acceptor._tasks) == 1)
            assert files - 5 == len(os.listdir("/proc/self/fd"))
            for peer in peers:
                await peer.close()
        finally:
            gc.enable()


async def test_who_is_connected_when_the_port_closes_is_served(
    secure: RunningNode, trust: ssl.SSLContext
) -> None:
    clients = [socket.create_connection(("127.0.0.1", secure.port())) for _ in range(20)]
    secure.node.tcp.close_listeners()
    for sock in clients:
        sock.setblocking(False)
        streams = asyncio.open_connection(sock=sock, ssl=trust, server_hostname="localhost")
        peer = TcpPeer(*await streams)
        await announced(peer)
        await peer.close()
