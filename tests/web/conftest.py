"""Pages over given statistics, as the door hands them requests."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple, cast

import pytest

from tests.nodes import DEADLINE_S, HttpReply, TcpPeer
from tracker.frontends.final_response import FinalResponse
from tracker.metrics import Metrics
from tracker.model import Activity, Facts, Point, Snapshot, SwarmSize, Totals
from tracker.policy.accounts import client_key
from tracker.web.assets import Assets
from tracker.web.events import Streams
from tracker.web.front import FrontPages
from tracker.web.pages import Pages, Routes
from tracker.web.render import Renderer
from tracker.web.site import SiteFiles
from tracker.web.statistics import FrontendRow, SharedStatistics, Statistics
from tracker.web.urls import AnnounceUrls
from tracker.wire.http_head import decode_head
from tracker.wire.http_page import page_request
from tracker.wire.visit import visit_of

NOW = 1_700_000_000
TOTALS = Totals(NOW - 3, 1011, 12, 1013, 14, 15, 16, 17, 18)
SWARM = SwarmSize(b"secret info_hash ...", False, 14, 13)
FACTS = Facts(
    version="1.2.3",
    host="secret-host",
    pid=4711,
    since=NOW - 7300,
    beat=NOW - 1.0,
    ports={"http": 8000},
    requests={"http": 22},
    connections=1234,
    browsers=56,
    relay_us=1500,
)
SNAPSHOT = Snapshot(
    TOTALS,
    frontends=2,
    rates={"http": 20.04, "udp": 21.0},
    activity={b"frontID1": Activity(0.0, {"http": 22}, {"http": 20.04, "udp": 21.0})},
    top=[SWARM],
)
STATISTICS = Statistics(
    float(NOW),
    SNAPSHOT,
    [
        FrontendRow(FACTS, {"http": 20.04, "udp": 21.0}),
        FrontendRow(FACTS._replace(version="1.2.4", relay_us=None), {"ws": 0.5}),
    ],
    [Point(NOW - 60 * minute, 2, 3, 4, 50, 6, 7, {"http": 8.5}) for minute in range(59, 0, -1)],
    [Point(NOW - 3600 * hour, 2, 3, 4, 5000, 6, 7, {"udp": 80.5}) for hour in range(23, 0, -1)],
)
HOST = "Host: tracker.example:8000"


class Given:
    """The statistics of the pages, which a test may replace."""

    def __init__(self) -> None:
        self.statistics = STATISTICS
        self.looks = 0

    async def __call__(self) -> Statistics:
        self.looks += 1
        return self.statistics


@pytest.fixture
def given() -> Given:
    return Given()


class FrontDoor(asyncio.Protocol):
    """Hands a request over to the pages once it has read its head, as the door does."""

    def __init__(self, pages: Pages, *, proxied: bool) -> None:
        self.pages, self.proxied, self.buffer = pages, proxied, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        if b"\r\n\r\n" not in self.buffer:
            return
        head = decode_head(self.buffer)
        visit = visit_of(
            head,
            secure=self.transport.get_extra_info("sslcontext") is not None,
            client=bytes((192, 0, 2, 1)),
            proxied=self.proxied,
            local_port=8000,
        )
        library = self.pages.protocol()
        self.transport.set_protocol(library)
        library.connection_made(FinalResponse(self.transport, public=True))
        library.data_received(page_request(head, visit))


class Site(NamedTuple):
    """Pages that are served."""

    port: int
    front: FrontPages
    streams: Streams
    metrics: Metrics
    peers: list[TcpPeer]

    async def connect(self, path: str, *lines: str, method: str = "GET") -> TcpPeer:
        """Ask for a page, and return the connection."""
        peer = TcpPeer(*await asyncio.open_connection("127.0.0.1", self.port))
        self.peers.append(peer)
        head = "\r\n".join([f"{method} {path} HTTP/1.1", *(lines or (HOST,)), "", ""])
        await peer.send(head.encode("latin-1"))
        return peer

    async def ask(self, path: str, *lines: str, method: str = "GET") -> HttpReply:
        """Ask for a page; `lines` replace the Host header."""
        peer = await self.connect(path, *lines, method=method)
        async with asyncio.timeout(DEADLINE_S):
            reply = await peer.reply(head_only=method == "HEAD")
        assert "close" == reply.headers["connection"]
        await peer.close()
        return reply


PORTS = {"http": 8000, "udp": 8000, "ws": 8000}


@asynccontextmanager
async def serving(
    given: Given,
    *further: Routes,
    urls: AnnounceUrls | None = None,
    streams: tuple[int, int] = (10, 10),
    proxied: bool = False,
) -> AsyncIterator[Site]:
    """Serve pages. `streams`: at once, and of one address."""
    assets = Assets()
    renderer = Renderer(assets)
    front = FrontPages(renderer, SharedStatistics(given), urls or AnnounceUrls(PORTS))
    metrics = Metrics()
    events = Streams(front.events, 0.01, *streams, client_key(64), metrics)
    pages = Pages(assets, renderer, [front, events, SiteFiles(assets), *further])
    await pages.start()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: FrontDoor(pages, proxied=proxied), "127.0.0.1", 0)
    peers: list[TcpPeer] = []
    try:
        yield Site(server.sockets[0].getsockname()[1], front, events, metrics, peers)
    finally:
        for peer in peers:
            peer.writer.transport.abort()
        server.close()
        events.end()
        await pages.stop()


@pytest.fixture
async def site(given: Given) -> AsyncIterator[Site]:
    async with serving(given) as found:
        yield found
