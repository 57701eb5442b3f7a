"""TCP connections are counted from accept until they close, and shared between addresses."""

import asyncio
import socket
import ssl
from random import Random

import pytest

from tests.budgets import budgets
from tests.frontends.clients import announced, browser, get
from tests.nodes import TcpPeer, running_node, until
from tests.redis_servers import RedisServer, TlsFiles
from tracker.frontends.connections import Connection, Connections
from tracker.metrics import Metrics
from tracker.policy.addresses import Proxies
from tracker.settings import ListenSettings
from tracker.wire.compact import pack_ip

ONE, TWO = pack_ip("192.0.2.1"), pack_ip("192.0.2.2")
PROXY = pack_ip("10.0.0.1")


class Thing:
    """What owns a connection."""

    def __init__(self) -> None:
        self.aborted = False

    def abort(self) -> None:
        self.aborted = True


class Hall:
    """Connections with these limits, and what was counted."""

    def __init__(self, most: int, per_address: int = 0) -> None:
        self.metrics = Metrics()
        self.budgets = budgets()
        self.proxies = Proxies(ListenSettings(trusted_proxies=("10.0.0.0/8",)).trusted_proxies)
        listen = ListenSettings(max_connections=most, max_connections_per_address=per_address)
        self.all = Connections(listen, self.proxies, self.budgets.accounts, self.metrics, Random(1))

    def admit(self, ip: bytes) -> Connection | None:
        return self.all.admit(Thing(), ip)


async def test_a_new_connection_of_a_small_address_takes_the_place_of_a_large_one_s() -> None:
    hall = Hall(4)
    things = [Thing() for _ in range(4)]
    for thing in things:
        assert hall.all.admit(thing, ONE)
    assert hall.admit(TWO)
    assert {("tcp", "shed"): 1} == hall.metrics.closed
    assert {("connections", "process"): 1} == hall.metrics.refused
    assert 4 == len(hall.all)
    assert 1 == sum(each.aborted for each in things)
    assert hall.admit(TWO)
    assert hall.admit(TWO) is None  # both have two
    assert {("tcp", "shed"): 2, ("tcp", "full"): 1} == hall.metrics.closed


async def test_a_connection_that_left_makes_room_once() -> None:
    hall = Hall(2)
    first = hall.admit(ONE)
    assert first
    assert hall.admit(ONE)
    first.left()
    first.left()
    assert 1 == len(hall.all)
    assert hall.admit(ONE)
    assert hall.admit(ONE) is None
    assert 2 == hall.budgets.accounts.of(ONE, 0.0).connections


async def test_a_proxy_s_connections_are_not_limited_and_count_for_the_client_behind() -> None:
    hall = Hall(10, per_address=1)
    proxied = [hall.admit(PROXY) for _ in range(4)]
    first, second, third, own = [each for each in proxied if each]
    assert hall.all.move(own, PROXY)
    assert hall.all.move(first, ONE)
    assert not hall.all.move(second, ONE)
    assert {("tcp", "address"): 1} == hall.metrics.closed
    assert {("connections", "address"): 1} == hall.metrics.refused
    first.left()
    assert hall.all.move(third, ONE)


async def test_an_address_that_connects_too_often_is_refused(redis: RedisServer) -> None:
    limits = {"work_burst": 100, "work_per_second": 0.001}
    async with running_node(redis.url, limits=limits) as tracker:
        for _ in range(100):
            await (await tracker.tcp()).close()
        assert b"" == await (await tracker.tcp()).rest()
        assert {("tcp", "work"): 1} == tracker.closed
        assert {("work", "address"): 1} == tracker.node.metrics.refused
        await announced(await tracker.tcp(local="127.0.0.2"))


async def test_connections_that_wait_for_tls_count(redis: RedisServer, tls_files: TlsFiles) -> None:
    listen = {"max_connections": 4, "max_connections_per_address": 2}
    tls = {"cert": tls_files.cert, "key": tls_files.key}
    trust = ssl.create_default_context(cafile=tls_files.ca)
    async with running_node(redis.url, listen=listen, tls=tls) as tracker:
        silent = [await tracker.tcp() for _ in range(2)]
        await until(lambda: tracker.connections == 2)
        assert b"" == await (await tracker.tcp()).rest()
        assert {("tcp", "address"): 1} == tracker.closed
        await announced(await tracker.tcp(ssl=trust, local="127.0.0.2"))
        await silent[0].close()
        await until(lambda: tracker.connections == 2)
        await announced(await tracker.tcp(ssl=trust))


async def test_a_browser_behind_a_proxy_counts_for_its_own_address(redis: RedisServer) -> None:
    listen = {"trusted_proxies": ["127.0.0.1"], "max_connections_per_address": 1}
    upgrade = (
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    )

    async def status(client: str) -> bytes:
        peer = await tracker.tcp()
        await peer.send(get("/", *upgrade, f"X-Forwarded-For: {client}"))
        return (await peer.reader.readuntil(b"\r\n\r\n"))[9:12]

    async with running_node(redis.url, listen=listen) as tracker:
        assert b"101" == await status("192.0.2.1")
        assert b"429" == await status("192.0.2.1")
        assert b"101" == await status("192.0.2.2")


async def test_kernel_buffers_of_connections_are_bounded(redis: RedisServer) -> None:
    async with running_node(redis.url, listen={"socket_buffer": 32_768}) as tracker:
        await announced(await tracker.tcp())
        (connection,) = tracker.http
        assert connection._transport is not None
        sock = connection._transport.get_extra_info("socket")
        for option in socket.SO_RCVBUF, socket.SO_SNDBUF:
            assert 2 * 32_768 == sock.getsockopt(socket.SOL_SOCKET, option)


@pytest.mark.parametrize("flooders", [1, 3])
async def test_good_clients_get_in_while_others_hold_all_connections(
    redis: RedisServer, flooders: int
) -> None:
    most = 60
    async with running_node(redis.url, listen={"max_connections": most}) as tracker:
        for at in range(flooders):
            for _ in range(most // max(2, flooders)):
                await tracker.tcp(local=f"127.0.1.{1 + at}")
        for at in range(20):
            await announced(await tracker.tcp(local=f"127.0.2.{1 + at}"), port=1000 + at)
        assert tracker.connections <= most


async def test_a_shed_browser_leaves(redis: RedisServer) -> None:
    listen = {"max_connections": 3, "max_connections_per_address": 0}
    async with running_node(redis.url, listen=listen) as tracker, browser(tracker):
        for _ in range(2):
            await announced(await tracker.tcp())
        newcomers: list[TcpPeer] = []
        for at in range(2, 4):
            newcomers.append(await tracker.tcp(local=f"127.0.0.{at}"))
            await announced(newcomers[-1])
        await asyncio.gather(*(announced(peer) for peer in newcomers))
        assert {("tcp", "shed"): 2} == tracker.closed
