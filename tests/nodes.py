"""A tracker within the test's own process: a real Redis, real sockets, and a clock to put forward.

    async with running_node(redis.url, http={"keepalive": 5}) as tracker:
        peer = await tracker.tcp()

What goes wrong in a callback of the loop, where production would log a traceback, fails the test.
"""

import asyncio
import gc
import itertools
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from ssl import SSLContext
from typing import Any, NamedTuple

from tracker.frontends.http import HttpConnection
from tracker.frontends.listen import open_ports
from tracker.metrics import Counter
from tracker.node import Node
from tracker.settings import Settings

DEADLINE_S = 10.0  # for whatever a test waits for
POLL_S = 0.002


class HttpReply(NamedTuple):
    """One response, as read from the socket."""

    status: int
    headers: dict[str, str]  # names in lower case
    body: bytes


class TcpPeer:
    """A TCP connection on which any bytes can be sent."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @property
    def port(self) -> int:
        """Our end's."""
        port: int = self.writer.get_extra_info("sockname")[1]
        return port

    async def send(self, data: bytes) -> None:
        """Send these bytes."""
        self.writer.write(data)
        await self.writer.drain()

    async def reply(self, *, head_only: bool = False) -> HttpReply:
        """Read one HTTP response; of one to HEAD there is only the head."""
        async with asyncio.timeout(DEADLINE_S):
            head = await self.reader.readuntil(b"\r\n\r\n")
            status, *lines = head.decode("latin-1").strip().split("\r\n")
            pairs = (line.partition(": ") for line in lines)
            headers = {name.lower(): value for name, _, value in pairs}
            size = 0 if head_only else int(headers["content-length"])
            body = await self.reader.readexactly(size)
        return HttpReply(int(status.split(" ")[1]), headers, body)

    async def ask(self, data: bytes) -> HttpReply:
        """Send one request, read its response."""
        await self.send(data)
        return await self.reply()

    async def rest(self) -> bytes:
        """All that still comes, until the tracker closes."""
        async with asyncio.timeout(DEADLINE_S):
            return await self.reader.read()

    async def close(self) -> None:
        """Close our end."""
        self.writer.close()
        with suppress(ConnectionError):  # it was cut, as the test wanted
            await self.writer.wait_closed()


class RunningNode:
    """A node that serves, and what a test needs of it."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self._ahead_s = 0.0
        self._peers: list[TcpPeer] = []
        node.wheel.clock = lambda: time.monotonic() + self._ahead_s

    @property
    def requests(self) -> Counter:
        """By protocol, action and outcome."""
        return self.node.metrics.requests

    @property
    def closed(self) -> Counter:
        """Connections that were cut, by protocol and reason."""
        return self.node.metrics.closed

    @property
    def connections(self) -> int:
        """TCP connections that are open."""
        return len(self.node.tcp.connections)

    @property
    def http(self) -> list[HttpConnection]:
        """The connections that wait for a request or for its answer."""
        owners = [connection.owner for connection in self.node.tcp.connections]
        return [owner for owner in owners if isinstance(owner, HttpConnection)]

    def port(self, protocol: str = "http") -> int:
        """Where that protocol is served."""
        return self.node.ports[protocol]

    async def tcp(
        self,
        host: str = "127.0.0.1",
        *,
        protocol: str = "http",
        ssl: SSLContext | None = None,
        local: str | None = None,
    ) -> TcpPeer:
        """Connect; `local` is the address to come from."""
        peer = TcpPeer(
            *await asyncio.open_connection(
                host,
                self.port(protocol),
                ssl=ssl,
                server_hostname="localhost" if ssl else None,
                local_addr=(local, 0) if local else None,
            )
        )
        self._peers.append(peer)
        return peer

    def pass_time(self, seconds: float) -> None:
        """Let all timeouts of sockets see that so much time went by."""
        self._ahead_s += seconds
        self.node.wheel.tick()

    async def redis_gone(self) -> None:
        """Return once the node has noticed that its Redis is away."""
        link = self.node.redis.primaries()[0]._link
        if link is not None:
            async with asyncio.timeout(DEADLINE_S):
                await link.lost.wait()

    async def redis_back(self) -> None:
        """Return once the node has its Redis again."""
        async with asyncio.timeout(DEADLINE_S):
            await self.node.redis.wait_up()

    async def settled(self) -> None:
        """Return once its own jobs have run: then, for a while, only clients ask Redis."""
        jobs = {job.name for job in self.node._jobs()}
        ran = self.node.metrics.jobs
        await until(lambda: jobs == {name for name, _ in ran} and self.node.redis.in_flight == 0)

    async def hang_up(self) -> None:
        """Close all connections that `tcp` made."""
        for peer in self._peers:
            await peer.close()


async def until(condition: Callable[[], bool]) -> None:
    """Return once `condition` holds; what has no event of its own to wait for."""
    async with asyncio.timeout(DEADLINE_S):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(POLL_S)


def node_settings(**sections: Mapping[str, Any]) -> Settings:
    """Settings with free ports, and a short drain."""
    given = sections.pop("listen", {})
    listen = {"port": 0, "admin": "127.0.0.1:0", "drain": 1.0, "grace": 0.0, **given}
    return Settings.model_validate({"listen": listen, **sections})


COLLECT_EVERY = 32  # nodes, whose budgets take 10 MB each; the collector would come too late
_closed = itertools.count()


@asynccontextmanager
async def running_node(redis_url: str, **sections: Mapping[str, Any]) -> AsyncIterator[RunningNode]:
    """A node with these sections of settings, for the length of the context."""
    faults: list[dict[str, Any]] = []
    threshold = gc.get_threshold()
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: faults.append(context))
    settings = node_settings(**sections)
    (listeners,) = open_ports(settings.listen)
    running = RunningNode(Node(settings, redis_url, listeners))
    try:
        await running.node.start()
        await running.redis_back()
        await running.settled()
        yield running
        await running.hang_up()
        await until(lambda: faults != [] or running.connections == 0)
    finally:
        await running.hang_up()
        await running.node.close()
        gc.set_threshold(*threshold)
        gc.unfreeze()  # or what each test's node froze would pile up
        if next(_closed) % COLLECT_EVERY == 0:
            gc.collect()
    assert faults == []
