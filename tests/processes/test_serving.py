"""The process of a child: whose orders it takes, and that it is not left behind."""

import asyncio
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.nodes import DEADLINE_S, node_settings
from tests.redis_servers import RedisServer
from tests.tools import MORTAL
from tracker.frontends.listen import open_ports
from tracker.processes.channel import Channel, Hello, Order
from tracker.processes.vitals import Report


@asynccontextmanager
async def serving(redis_url: str) -> AsyncIterator[tuple[subprocess.Popen[bytes], Channel]]:
    """A child that nobody watches, and the supervisor's end of its channel."""
    settings = node_settings(listen={"host": "127.0.0.1"})
    (sockets,) = open_ports(settings.listen)
    listeners = sockets.map(socket.socket.fileno)
    ours, theirs = socket.socketpair()
    with theirs:
        process = subprocess.Popen(  # noqa: ASYNC220 - it is quick
            [*MORTAL, sys.executable, "-m", "tracker.processes.serving", str(theirs.fileno())],
            pass_fds=(theirs.fileno(), *listeners.all()),
        )
    channel = await Channel.over(ours)
    channel.send(Hello(settings, redis_url, listeners))
    try:
        yield process, channel
    finally:
        process.kill()
        process.wait()
        channel.close()
        for sock in sockets.all():
            sock.close()


async def code(process: subprocess.Popen[bytes]) -> int:
    """Its exit code, once it has ended."""
    return await asyncio.to_thread(process.wait, DEADLINE_S)


async def test_orders_are_done_in_their_turn(redis_server: RedisServer) -> None:
    async with serving(redis_server.url) as (process, channel), asyncio.timeout(DEADLINE_S):
        for order in Order.REPORT, Order.RELOAD, Order.REPORT, Order.STOP:
            channel.send(order)
        for _ in range(2):
            assert [] == (await channel.receive(Report)).not_ready
        assert 0 == await code(process)


async def test_told_twice_to_stop_it_does_not_drain(redis_server: RedisServer) -> None:
    async with serving(redis_server.url) as (process, channel), asyncio.timeout(DEADLINE_S):
        channel.send(Order.STOP)
        channel.send(Order.STOP)
        assert 0 == await code(process)


async def test_when_its_supervisor_is_gone_it_ends(redis_server: RedisServer) -> None:
    async with serving(redis_server.url) as (process, channel), asyncio.timeout(DEADLINE_S):
        channel.send(Order.REPORT)
        await channel.receive(Report)
        channel.close()
        assert 1 == await code(process)
