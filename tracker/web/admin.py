"""The operator's HTTP server, on an address of its own: health, readiness, metrics."""

import asyncio
import errno
import os
import socket
from collections.abc import Callable, Iterable, Sequence
from typing import Final, Protocol

import structlog
from aiohttp import web
from aiohttp.typedefs import Middleware
from prometheus_client import CollectorRegistry, GCCollector, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from tracker.frontends.port_in_use import PortInUse
from tracker.host_port import split_host_port
from tracker.metrics import Metrics
from tracker.policy.admin_hosts import is_admin_host
from tracker.web import server

log = structlog.get_logger()

REDIS_AWAY: Final = "redis is away"  # the reason not to be ready


class Vitals(Protocol):
    """What there is to tell of a tracker, be it one process or many."""

    async def not_ready(self) -> list[str]:
        """Why it should get no traffic now; empty: it is ready."""

    async def warnings(self) -> list[str]:
        """Return problems that an operator should know, although the tracker serves."""

    async def families(self) -> Sequence[Metric]:
        """Its metrics."""


class OwnVitals:
    """Those of this process, its memory, CPU and descriptors among them."""

    def __init__(
        self,
        metrics: Metrics,
        not_ready: Callable[[], list[str]],
        warnings: Callable[[], list[str]] = list,
    ) -> None:
        self._not_ready = not_ready
        self._warnings = warnings
        self._registry = metrics.registry()
        ProcessCollector(registry=self._registry)
        GCCollector(registry=self._registry)

    async def not_ready(self) -> list[str]:
        """As `Vitals` tells."""
        return self._not_ready()

    async def warnings(self) -> list[str]:
        """As `Vitals` tells."""
        return self._warnings()

    async def families(self) -> Sequence[Metric]:
        """As `Vitals` tells."""
        return list(self._registry.collect())


class Ops:
    """Serves ``/health``, ``/ready`` and ``/metrics``.

    Args:
        host_port: ``HOST:PORT``; an IPv6 address in brackets; port 0: any free one.
        vitals: what the latter two tell.
        hosts: further names by which clients may address the port.
        moves: take any free port if that one is in use.

    Raises:
        ValueError: `host_port` is not ``HOST:PORT``.
    """

    def __init__(
        self, host_port: str, vitals: Vitals, hosts: Iterable[str] = (), *, moves: bool = False
    ) -> None:
        self._host, self._port = split_host_port(host_port)
        self._moves = moves
        names = frozenset(name.lower() for name in (self._host, *hosts))
        self._vitals = vitals
        app = server.application(_only_for(names))
        app.router.add_get("/health", self._give_health)
        app.router.add_get("/ready", self._give_ready)
        app.router.add_get("/metrics", self._give_metrics)
        self._runner = server.runner(app)
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Open the port.

        Raises:
            PortInUse: another socket has the port.
            OSError: the address cannot be bound.
        """
        await self._runner.setup()
        try:
            try:
                self._server = await self._listen(self._port)
            except PortInUse as error:
                if not self._moves:
                    raise
                self._server = await self._listen(0)
                log.warning("admin.moved", port=self.port, reason=str(error))
        except OSError:
            await self.stop()
            raise

    async def _listen(self, port: int) -> asyncio.Server:
        loop = asyncio.get_running_loop()
        try:
            return await loop.create_server(self._connection, self._host, port, backlog=16)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise PortInUse(socket.SOCK_STREAM, self._host, port, "--admin") from error
            number = error.errno or 0  # negative for a name that is not known
            why = os.strerror(number) if number > 0 else error.strerror
            hint = "choose another address with --admin"
            raise OSError(number, f"{why}: {self._host} port {port}: {hint}") from error

    async def stop(self) -> None:
        """Close the port, then what is open."""
        if self._server is not None:
            self._server.close()
        await self._runner.cleanup()

    @property
    def port(self) -> int:
        """The port that is open, or asked for before `start`."""
        if self._server is None or not self._server.sockets:
            return self._port
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    def _connection(self) -> asyncio.Protocol:
        assert self._runner.server is not None
        return server.OneResponse(self._runner.server())

    async def _give_health(self, request: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def _give_ready(self, request: web.Request) -> web.Response:
        reasons = await self._vitals.not_ready()
        body: dict[str, object] = {"ready": not reasons, "reasons": reasons}
        if warnings := await self._vitals.warnings():
            body["warnings"] = warnings
        return web.json_response(body, status=503 if reasons else 200)

    async def _give_metrics(self, request: web.Request) -> web.Response:
        return web.Response(
            body=exposition(await self._vitals.families()),
            headers={"Content-Type": CONTENT_TYPE_LATEST},
        )


def _only_for(names: frozenset[str]) -> Middleware:
    """Refuse names under which a stranger's web page could read the admin port."""

    @web.middleware
    async def check_host(request: web.Request, handler: server.Handler) -> web.StreamResponse:
        for host in request.headers.getall("Host", []):
            if not is_admin_host(host, names):
                raise web.HTTPMisdirectedRequest(
                    text=f"{host[:100]!a} is not a name of the admin port: "
                    "add it with --admin-hosts\n"
                )
        return await handler(request)

    return check_host


class _Families(Collector):
    """Families that were read already."""

    def __init__(self, families: Sequence[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


def exposition(families: Sequence[Metric]) -> bytes:
    """Families in the text format of Prometheus."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Families(families))
    return generate_latest(registry)
