"""A child as its supervisor sees it: a real process on sockets that it inherits."""

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.frontends.clients import announce
from tests.nodes import DEADLINE_S, TcpPeer, node_settings
from tests.redis_servers import RedisServer
from tracker.frontends.listen import Listeners, open_ports
from tracker.processes import child as module
from tracker.processes.channel import Order
from tracker.processes.child import Child, ChildFailed

Sockets = Listeners[socket.socket]


@asynccontextmanager
async def started(redis_url: str) -> AsyncIterator[tuple[Child, Sockets]]:
    settings = node_settings(listen={"host": "127.0.0.1"})
    (sockets,) = open_ports(settings.listen)
    child = await Child.start(settings, redis_url, sockets)
    try:
        yield child, sockets
    finally:
        await child.end()
        for sock in sockets.all():
            sock.close()


async def reply(sockets: Sockets) -> int:
    """The status of an announce over a new connection."""
    peer = TcpPeer(*await asyncio.open_connection("127.0.0.1", sockets.ports["http"]))
    try:
        return (await peer.ask(announce())).status
    finally:
        await peer.close()


async def test_it_serves_the_sockets_and_tells_of_itself(redis_server: RedisServer) -> None:
    async with started(redis_server.url) as (child, sockets):
        assert None is await child.report()  # not ready
        await child.until_ready()
        assert 200 == await reply(sockets)
        one, two = await asyncio.gather(child.report(), child.report())
        assert one is not None
        assert one is two
        assert [] == one.not_ready
        samples = {s.name: s.value for family in one.families for s in family.samples}
        assert 1 == samples["tracker_requests_total"]


async def test_told_to_stop_it_drains_and_ends_with_0(redis_server: RedisServer) -> None:
    async with started(redis_server.url) as (child, _):
        await child.until_ready()
        child.tell(Order.STOP)
        async with asyncio.timeout(DEADLINE_S):
            assert 0 == await child.wait()
        assert None is await child.report()
        child.tell(Order.STOP)  # in vain


async def test_signals_are_for_its_supervisor(redis_server: RedisServer) -> None:
    async with started(redis_server.url) as (child, sockets):
        await child.until_ready()
        for number in signal.SIGTERM, signal.SIGINT, signal.SIGHUP:
            os.kill(child.pid, number)
        assert 200 == await reply(sockets)


async def test_one_that_hangs_does_not_answer_and_can_be_ended(
    redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "REPORT_TIMEOUT_S", 0.1)
    async with started(redis_server.url) as (child, _):
        await child.until_ready()
        os.kill(child.pid, signal.SIGSTOP)
        assert {None} == {*await asyncio.gather(child.report(), child.report())}
        os.kill(child.pid, signal.SIGCONT)
        async with asyncio.timeout(DEADLINE_S):
            while await child.report() is None:
                pass
        os.kill(child.pid, signal.SIGSTOP)
        assert -signal.SIGKILL == await child.end()


async def test_one_that_can_not_serve_fails() -> None:
    async with started("redis://localhost?no_such_option=1") as (child, _):
        with pytest.raises(ChildFailed, match="code 1 before it was ready"):
            await child.until_ready()


async def test_without_a_process_there_is_no_child(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/no/such/python")
    with pytest.raises(FileNotFoundError):
        await Child.start(node_settings(), "redis://localhost", Listeners({}, [], []))
