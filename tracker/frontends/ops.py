"""The operator's HTTP server, on an address of its own: health, readiness, metrics."""

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from aiohttp import web
from prometheus_client import CollectorRegistry, GCCollector, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from tracker.frontends import webapp
from tracker.host_port import split_host_port
from tracker.metrics import Metrics


class Vitals(Protocol):
    """What there is to tell of a tracker, be it one process or many."""

    async def not_ready(self) -> list[str]:
        """Why it should get no traffic now; empty: it is ready."""

    async def families(self) -> Sequence[Metric]:
        """Its metrics."""


class OwnVitals:
    """Those of this process, its memory, CPU and descriptors among them."""

    def __init__(self, metrics: Metrics, not_ready: Callable[[], list[str]]) -> None:
        self._not_ready = not_ready
        self._registry = metrics.registry()
        ProcessCollector(registry=self._registry)
        GCCollector(registry=self._registry)

    async def not_ready(self) -> list[str]:
        """As `Vitals` tells."""
        return self._not_ready()

    async def families(self) -> Sequence[Metric]:
        """As `Vitals` tells."""
        return list(self._registry.collect())


class Ops:
    """Serves ``/health``, ``/ready`` and ``/metrics``.

    Args:
        host_port: ``HOST:PORT``; an IPv6 address in brackets; port 0: any free one.
        vitals: what the latter two tell.

    Raises:
        ValueError: `host_port` is not ``HOST:PORT``.
    """

    def __init__(self, host_port: str, vitals: Vitals) -> None:
        self._host, self._port = split_host_port(host_port)
        self._vitals = vitals
        app = webapp.application()
        app.router.add_get("/health", self._give_health)
        app.router.add_get("/ready", self._give_ready)
        app.router.add_get("/metrics", self._give_metrics)
        self._runner = webapp.runner(app)
        self._site: web.TCPSite | None = None

    async def start(self) -> None:
        """Open the port.

        Raises:
            OSError: the address cannot be had.
        """
        await self._runner.setup()
        self._site = web.TCPSite(self._runner, self._host, self._port, backlog=16)
        try:
            await self._site.start()
        except OSError:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Close the port, then what is open."""
        await self._runner.cleanup()

    @property
    def port(self) -> int:
        """The port that is open, or asked for before `start`."""
        return self._port if self._site is None else self._site.port

    async def _give_health(self, request: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def _give_ready(self, request: web.Request) -> web.Response:
        reasons = await self._vitals.not_ready()
        body = {"ready": not reasons, "reasons": reasons}
        return web.json_response(body, status=503 if reasons else 200)

    async def _give_metrics(self, request: web.Request) -> web.Response:
        return web.Response(
            body=exposition(await self._vitals.families()),
            headers={"Content-Type": CONTENT_TYPE_LATEST},
        )


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
