"""Wires the parts of one process together, runs them, and takes them down in order."""

import asyncio
import gc
import math
import resource
import secrets
import signal
import socket
import time
from contextlib import AsyncExitStack, suppress

import structlog
import uvloop
from websockets.frames import CloseCode

from tracker import __version__
from tracker import log as logs
from tracker.embedded import EmbeddedRedis, EmbeddedRedisFailed, EmbeddedRedisMissing
from tracker.errors import Unavailable
from tracker.frontends.door import Door
from tracker.frontends.listen import bind_all, bind_tcp, bind_udp
from tracker.frontends.ops import Ops
from tracker.frontends.pages import Pages, Stats
from tracker.frontends.sessions import Sessions
from tracker.frontends.tls import reload, server_context
from tracker.frontends.udp import UdpFrontend
from tracker.frontends.websocket import WebSocketFrontend
from tracker.frontends.webtorrent import WebTorrent
from tracker.frontends.wheel import Wheel
from tracker.metrics import Metrics
from tracker.model import FRONTEND_ID_SIZE, Totals
from tracker.service.browsers import Browsers
from tracker.service.peers import Peers
from tracker.settings import Settings
from tracker.store.census import Census
from tracker.store.pipeline import Pipeline
from tracker.store.swarms import RedisSwarms
from tracker.wire.connection_id import ConnectionIds
from workers.runner import run as run_jobs
from workers.statistics import Statistics

log = structlog.get_logger()

SPREAD_SHARE = 0.8  # of the drain time, in which browsers are told to reconnect
LEAST_CLOSES = 200  # browsers told in a second at least: a few need not be kept waiting
POLL_S = 0.02
SPARE_FILES = 100  # beside the connections: listeners, Redis, logs
# Requests in flight are young objects without cycles; looking at them every 700 costs 4 % of CPU.
GC_THRESHOLD = (20_000, 20, 50)
TOTALS_AGE_S = 2.0  # a page viewed by many asks Redis no more often


def run(settings: Settings) -> int:
    """Serve until SIGTERM or SIGINT; returns the exit code."""
    logs.configure(settings.log.level, settings.log.json_lines)
    try:  # before anything is started for nothing
        server_context(settings.tls)
    except OSError as error:
        log.error("tls.failed", error=str(error))
        return 2
    settings = _fit_files(settings)
    try:
        uvloop.run(serve(settings))
    except (OSError, ValueError, EmbeddedRedisFailed, EmbeddedRedisMissing) as error:
        log.error("tracker.failed", error=str(error))
        return 1
    return 0


def _fit_files(settings: Settings) -> Settings:
    """Raise the limit of open files as far as we may, and take no more connections than that."""
    wanted = settings.listen.max_connections + SPARE_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return settings
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    if allowed == wanted:
        return settings
    most = max(1, allowed - SPARE_FILES)
    log.info("tracker.few_files", max_connections=most, open_files=allowed)
    listen = settings.listen.model_copy(update={"max_connections": most})
    return settings.model_copy(update={"listen": listen})


async def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises:
        OSError: a port, a certificate or the embedded Redis can't be had.
        EmbeddedRedisMissing: no Redis is told, and there is none to start.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with AsyncExitStack() as stack:
        url = settings.redis.url.get_secret_value() if settings.redis.url else None
        if url is None:
            embedded = EmbeddedRedis(memory_mib=settings.redis.embedded_memory)
            url = (await stack.enter_async_context(embedded)).url
        node = Node(settings, url)
        stack.push_async_callback(node.close)
        await node.start()
        if settings.redis.url is None or settings.listen.with_workers:
            jobs = [Statistics(node.census, clock)]
            workers = asyncio.create_task(run_jobs(jobs, stop, node.metrics), name="workers")
            stack.push_async_callback(asyncio.wait, [workers])
        print(node.ready_line(), flush=True)
        await stop.wait()
        log.info("tracker.draining")
        await node.drain()
    log.info("tracker.stopped")


def clock() -> int:
    """Unix seconds."""
    return int(time.time())


class Node:
    """One process's frontends over one store."""

    def __init__(self, settings: Settings, redis_url: str) -> None:
        self.settings = settings
        self.metrics = metrics = Metrics()
        self.wheel = Wheel()
        self._started = time.monotonic()
        self._draining = False
        self._totals_seen: Totals | None = None
        self._totals_until = 0.0
        frontend = secrets.token_bytes(FRONTEND_ID_SIZE)
        announce, ws = settings.announce, settings.ws
        self.pipeline = Pipeline(redis_url, settings.redis, metrics)

        def swarms(ttl_s: int) -> RedisSwarms:
            return RedisSwarms(
                self.pipeline,
                ttl_s=ttl_s,
                completed_ttl_s=announce.completed_ttl,
                completed_memory_s=announce.completed_memory,
            )

        self.peers = Peers(announce, swarms(announce.peer_ttl), clock)
        self.sessions = Sessions(frontend, ws.max_pending, metrics)
        browsers = Browsers(ws, swarms(ws.ttl), self.sessions, frontend, clock)
        webtorrent = WebTorrent(ws, browsers, self.sessions, self.sessions, frontend, metrics)
        self.websocket = WebSocketFrontend(ws, webtorrent, self.wheel, metrics)
        secret = settings.udp.secret
        key = secret.get_secret_value().encode() if secret else secrets.token_bytes(32)
        self.udp = UdpFrontend(
            settings.udp,
            ConnectionIds([key], settings.udp.connection_lifetime),
            self.peers,
            clock,
            metrics,
            client_addresses=announce.client_addresses,
        )
        self.census = Census(self.pipeline)
        self.tls = server_context(settings.tls)
        self.ports: dict[str, int] = {}
        self.pages = Pages(self.stats, {})
        self.ops = Ops(settings.listen.admin, metrics, self.not_ready)
        self._doors: list[Door] = []
        self._servers: list[asyncio.Server] = []

    async def start(self) -> None:
        """Open all ports. Redis may come later: requests fail fast until it does.

        Raises:
            OSError: a port can't be had.
        """
        loop = asyncio.get_running_loop()
        await self.pipeline.start()
        with suppress(TimeoutError):
            await asyncio.wait_for(self.pipeline.wait_up(), self.settings.redis.timeout)
        await self.ops.start()
        tcp, udp = self._bind()
        self.pages = Pages(self.stats, self.ports)
        self.ports["admin"] = self.ops.port
        await self.pages.start()
        for names, sockets in tcp:
            door = self._door(names)
            for sock in sockets:
                server = await loop.create_server(
                    door,
                    sock=sock,
                    backlog=self.settings.listen.backlog,
                    ssl=self.tls,
                    ssl_handshake_timeout=self.settings.http.request_timeout if self.tls else None,
                )
                self._servers.append(server)
        for sock in udp:
            self.udp.listen(sock)
        self.wheel.start(loop)
        self._observe()
        loop.add_signal_handler(signal.SIGHUP, self._reload)
        gc.freeze()  # all made so far stays: the collector need not look at it again
        gc.set_threshold(*GC_THRESHOLD)

    def _reload(self) -> None:
        """Take what may change while we run: the certificate."""
        if self.tls is None:
            log.info("tls.none")
        else:
            reload(self.tls, self.settings.tls)

    def _bind(self) -> tuple[list[tuple[list[str], list[socket.socket]]], list[socket.socket]]:
        """Bind the ports of all protocols; those that share a number share its TCP sockets.

        Returns:
            For each TCP port the protocols it serves and its sockets, and the UDP sockets.
        """
        listen = self.settings.listen
        groups: dict[int, list[str]] = {}
        for name in ("http", "ws", "udp"):
            if name in listen.only:
                port = getattr(listen, f"{name}_port")
                groups.setdefault(listen.port if port is None else port, []).append(name)
        tcp, udp = [], []
        for port, names in groups.items():
            streams = [name for name in names if name != "udp"]
            binds = [bind_tcp] * bool(streams) + [bind_udp] * ("udp" in names)
            rows = bind_all(listen.host, port, binds)
            number = rows[0][0].getsockname()[1]
            self.ports.update(dict.fromkeys(names, number))
            if streams:
                tcp.append((streams, rows[0]))
            if "udp" in names:
                udp += rows[-1]
        return tcp, udp

    def _door(self, names: list[str]) -> Door:
        door = Door(
            self.settings.listen,
            self.settings.http,
            peers=self.peers if "http" in names else None,
            websocket=self.websocket if "ws" in names else None,
            pages=self.pages,
            wheel=self.wheel,
            metrics=self.metrics,
            client_addresses=self.settings.announce.client_addresses,
        )
        self._doors.append(door)
        return door

    def ready_line(self) -> str:
        """What stdout gets to say when and where each protocol is ready."""
        return "ready " + " ".join(f"{name}={port}" for name, port in self.ports.items())

    def not_ready(self) -> list[str]:
        """Why this process should get no traffic now."""
        reasons = []
        if self._draining:
            reasons.append("draining")
        if not self.pipeline.up:
            reasons.append("redis is away")
        return reasons

    async def stats(self) -> Stats:
        """What the public pages show."""
        return Stats(
            version=__version__,
            uptime_s=int(time.monotonic() - self._started),
            totals=await self._totals(),
            sockets={"tcp": self._connections(), "ws": len(self.sessions)},
            requests=dict(self.metrics.requests),
        )

    async def _totals(self) -> Totals | None:
        """The cluster's totals, asked for once in a while; None while they are not known."""
        if time.monotonic() >= self._totals_until:
            self._totals_until = time.monotonic() + TOTALS_AGE_S
            try:
                self._totals_seen = await self.census.published()
            except Unavailable:
                self._totals_seen = None
        return self._totals_seen

    def _connections(self) -> int:
        return sum(map(len, self._doors))

    def _observe(self) -> None:
        gauge = self.metrics.gauge
        gauge("tracker_connections", "TCP connections open.", self._connections)
        gauge("tracker_browsers", "WebSockets open.", lambda: len(self.sessions))
        gauge("tracker_store_up", "Whether Redis is there.", lambda: self.pipeline.up)
        gauge(
            "tracker_store_in_flight",
            "Requests that wait for Redis.",
            lambda: self.pipeline.in_flight,
        )

    async def drain(self) -> None:
        """Let nobody in, answer what was asked, tell browsers to reconnect, in the time set."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self.settings.listen.drain
        self._draining = True
        for server in self._servers:
            server.close()
        self.udp.drain()
        for door in self._doors:
            door.drain()
        await self._dismiss_browsers()
        # Not an event: what is waited for ends in many places, and nobody else waits for it.
        while (self._connections() or self.pipeline.in_flight) and loop.time() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(POLL_S)

    async def _dismiss_browsers(self) -> None:
        """Spread, so that the frontends they reconnect to are not stormed."""
        browsers = list(self.websocket.connections)
        spread_s = min(self.settings.listen.drain * SPREAD_SHARE, len(browsers) / LEAST_CLOSES)
        step = max(1, math.ceil(len(browsers) * POLL_S / spread_s)) if spread_s else 1
        for at in range(0, len(browsers), step):
            for browser in browsers[at : at + step]:
                browser.close(CloseCode.GOING_AWAY, "reconnect")
            await asyncio.sleep(POLL_S)

    async def close(self) -> None:
        """Take down what is left, in whatever state."""
        self.wheel.stop()
        for server in self._servers:
            server.close()
        for door in self._doors:
            door.abort()
        for browser in list(self.websocket.connections):
            browser.abort()
        self.udp.drain()
        self.udp.close()
        await self.pages.stop()
        await self.ops.stop()
        await self.pipeline.close()
