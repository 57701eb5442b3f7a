"""Leads several processes that serve the same ports, and serves nothing but the admin address.

It holds all their sockets open: what the kernel has queued for a child that died waits for its
successor, and the clients of the others stay where they are.
"""

import asyncio
import socket
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import partial

import structlog
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric

from tracker.frontends.listen import Listeners
from tracker.metrics import Metrics
from tracker.processes.channel import Order
from tracker.processes.child import Child
from tracker.processes.vitals import LABEL, Report, merged
from tracker.settings import Settings
from tracker.tasks import kept
from tracker.web.admin import OwnVitals, Vitals

log = structlog.get_logger()

LATE_S = 2.0  # that a child may take beyond the drain time
HURRY_S = 3.0  # that a child may take to end at once
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 5.0  # after a successor that did not get ready


class Supervisor:
    """All children, of which each has sockets of its own on the same ports.

    Args:
        settings: all of them.
        redis_url: of the Redis that they share.
        listeners: the sockets of each child, which the supervisor closes.
    """

    def __init__(
        self, settings: Settings, redis_url: str, listeners: Sequence[Listeners[socket.socket]]
    ) -> None:
        self.metrics = Metrics()
        self.ports = dict(listeners[0].ports)
        self._settings = settings
        self._redis_url = redis_url
        self._listeners = listeners
        self._own = OwnVitals(self.metrics, list)
        self._draining = False
        self._children: list[Child] = []
        self._restarts = [0] * len(listeners)
        self._keepers: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Start the children; return once all serve.

        Raises:
            OSError: a process can't be had, or does not get ready.
        """
        for sockets in self._listeners:
            self._children.append(await Child.start(self._settings, self._redis_url, sockets))
        await asyncio.gather(*(child.until_ready() for child in self._children))
        self._keepers = [
            asyncio.create_task(kept("keeper", partial(self._keep, at)), name=f"keeper {at}")
            for at in range(len(self._children))
        ]

    def reload(self) -> None:
        """Let all take what may change while they run: the certificate."""
        for child in self._children:
            child.tell(Order.RELOAD)

    # -- a child that dies ---------------------------------------------------------------------

    async def _keep(self, at: int) -> None:
        while True:
            child = self._children[at]
            await child.wait()
            log.error("child.died", process=at, pid=child.pid, code=await child.end())
            await self._replace(at)
            log.warning("child.restarted", process=at, pid=self._children[at].pid)

    async def _replace(self, at: int) -> None:
        """Start a successor until one gets ready: the first at once, others after a pause."""
        pause_s = FIRST_PAUSE_S
        while True:
            self._restarts[at] += 1
            try:
                self._children[at] = child = await Child.start(
                    self._settings, self._redis_url, self._listeners[at]
                )
                await child.until_ready()
            except OSError as error:
                log.error("child.restart_failed", process=at, error=str(error))
            else:
                return
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    # -- what it tells -------------------------------------------------------------------------

    @property
    def vitals(self) -> Vitals:
        """What there is to tell of all processes."""
        return self

    async def not_ready(self) -> list[str]:
        """Why this tracker should get no traffic now, and which of the processes say so."""
        if self._draining:
            return ["draining"]
        reasons = []
        for at, report in enumerate(await self._reports()):
            told = ["does not answer"] if report is None else report.not_ready
            reasons += [f"process {at}: {reason}" for reason in told]
        return reasons

    async def warnings(self) -> list[str]:
        """Return the warnings of all processes, each once."""
        reports = [report for report in await self._reports() if report is not None]
        return sorted({warning for report in reports for warning in report.warnings})

    async def families(self) -> Sequence[Metric]:
        """The metrics of all processes; without those of a child that does not answer."""
        up = GaugeMetricFamily("tracker_child_up", "Whether a process answers.", labels=[LABEL])
        restarts = CounterMetricFamily(
            "tracker_child_restarts", "Processes started for one that died.", labels=[LABEL]
        )
        told: dict[str, Iterable[Metric]] = {"supervisor": await self._own.families()}
        for at, report in enumerate(await self._reports()):
            up.add_metric([str(at)], report is not None)
            restarts.add_metric([str(at)], self._restarts[at])
            told[str(at)] = () if report is None else report.families
        return [up, restarts, *merged(told)]

    async def _reports(self) -> list[Report | None]:
        return await asyncio.gather(*(child.report() for child in self._children))

    # -- the end -------------------------------------------------------------------------------

    async def drain(self, *, patient: bool) -> None:
        """Let all children drain at the same time; arguments as of `tracker.stopping`."""
        self._draining = True
        await self._release()
        for child in self._children:
            child.tell(Order.DRAIN if patient else Order.STOP)
        browsers_s = self._settings.ws.drain if patient else 0.0
        await self._end(browsers_s + self._settings.listen.drain + LATE_S)

    async def close(self) -> None:
        """Take down what is left, in whatever state."""
        await self._release()
        for child in self._children:
            child.tell(Order.STOP)
            child.tell(Order.STOP)  # at once
        await self._end(HURRY_S)

    async def _release(self) -> None:
        """Replace no child any more; and let a port be closed when the children close theirs."""
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)
        for sockets in self._listeners:
            for sock in sockets.all():
                sock.close()

    async def _end(self, limit_s: float) -> None:
        """Return once all children have ended; those that take too long are not asked."""
        with suppress(TimeoutError):
            async with asyncio.timeout(limit_s):
                for child in self._children:
                    await child.wait()
        for child in self._children:
            await child.end()
