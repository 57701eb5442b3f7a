"""A tracker, its Redis and good clients, and what must hold while an attack runs and after it."""

import asyncio
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import mean
from typing import Any, NamedTuple

from tests.forwarder_process import ForwarderProcess
from tests.hostile.child import Child
from tests.hostile.good import PERIOD_S, Good, Verdict
from tests.redis_servers import RedisServer, redis_servers
from tests.tracker_process import TrackerProcess, running_tracker
from tests.vitals import Metrics, Process, complaints, memory, metrics

ATTACK_S = 2.0
RECOVERY_S = 15.0
SETTLE_S = 0.3  # of an attack, before the good clients' requests are judged
POLL_S = 0.25
MOST_RUNNABLE = 3.0  # threads per processor; an attack makes 2: see `Report.runnable`
ATTEMPTS = 3  # of an attack during which the machine was too busy with other work
STARVED_S = 60.0  # in which such a machine must become idle enough
USUAL = {"announce", "answer", "connect", "forward", "websocket"}  # requests of good clients
MANY = 1000  # of one kind, more than the good clients send during an attack
ADMIN_S = 1.0  # the longest that the admin port may take
MEMORY_MIB = 64
MOST_GROWTH = (MEMORY_MIB + 48) << 20  # bytes while an attack runs: the budget, and our own needs
# Bytes after it: tables of addresses, and free memory that Python keeps. It does not grow with each
# attack: four times 4,000 sockets left 45, 60, 64 and 64 MiB.
MOST_LEFT = 72 << 20

# Small timeouts, so that no test waits for long ones, and a log that can be read by machine.
FLAGS = (
    "--log-json-lines",
    *("--limits-memory-mib", str(MEMORY_MIB)),
    *("--http-request-timeout", "2", "--http-keepalive", "20"),
    *("--ws-ping-interval", "2", "--ws-idle-timeout", "20"),
    *("--ws-message-timeout", "3", "--ws-unread-timeout", "3"),
)
# glibc returns free memory at once, so that the resident set is what is in use.
THRIFTY = {"MALLOC_TRIM_THRESHOLD_": "0", "MALLOC_MMAP_THRESHOLD_": "16384"}


class Attack(NamedTuple):
    """One attacking process."""

    function: Callable[..., None]
    arguments: dict[str, Any]

    def start(self, **changed: object) -> Child:
        """Start it, with some arguments changed."""
        return Child(self.function, **self.arguments | changed)


class Report(NamedTuple):
    """What an attack did, for the assertions of its test."""

    verdict: Verdict
    growth: Metrics  # of the metrics, from before the attack to its end
    attackers: list[dict[str, int]]
    admin_s: float  # the longest that the admin port took
    runnable: float  # threads that ran or waited for a processor, on average

    @property
    def starved(self) -> bool:
        """Whether the machine was too busy with other work for a verdict on the tracker."""
        return self.runnable > MOST_RUNNABLE * (os.cpu_count() or 1)


class Arena:
    """A running tracker with good clients, and the forwarder before it if there is one."""

    def __init__(
        self, tracker: TrackerProcess, redis: RedisServer, good: Good, *forwarders: ForwarderProcess
    ) -> None:
        self.tracker, self.redis, self.good = tracker, redis, good
        self._processes: Sequence[Process] = (tracker, *forwarders)

    async def withstands(self, *attacks: Attack) -> Report:
        """Attack from all at once; check the good clients, the memory, the metrics and the log."""
        before, base = await self._metrics(), self._memory()
        for _ in range(ATTEMPTS):
            report, most = await self._attacked(attacks, before)
            if report.verdict.good or not report.starved:
                break
            await self.good.steady(STARVED_S)
        assert report.verdict.good, report
        assert report.admin_s <= ADMIN_S, f"the admin port took {report.admin_s:.1f} s"
        assert most - base <= MOST_GROWTH, f"{(most - base) >> 20} MiB more during the attack"
        assert visible(report.growth), "no metric shows the attack"
        await self.recovers(before, base)
        return report

    async def _attacked(self, attacks: Sequence[Attack], before: Metrics) -> tuple["Report", int]:
        """Return what happened during one attack, and the most memory in use."""
        children = [attack.start() for attack in attacks]
        try:
            for child in children:
                await child.begun()
            return await self._watch(children, before)
        finally:
            for child in children:
                child.kill()

    async def recovers(self, before: Metrics, base: int) -> None:
        """Wait until connections and memory are as before the attack.

        Raises:
            AssertionError: they are not within `RECOVERY_S`, or the log holds an error.
        """
        await self.good.steady(RECOVERY_S)
        end_s = time.monotonic() + RECOVERY_S
        while True:
            now = await self._metrics()
            left = now["tracker_connections",] - before["tracker_connections",]
            grown = self._memory() - base
            if left <= 2 and grown <= MOST_LEFT:  # good clients come and go
                break
            assert time.monotonic() < end_s, f"{left} connections, {grown >> 20} MiB stay"
            await asyncio.sleep(POLL_S)
        assert not complaints(self.tracker), complaints(self.tracker)[:10]

    async def _watch(self, children: Sequence[Child], before: Metrics) -> tuple[Report, int]:
        """Return what happened, and the most memory in use, until the attackers are done."""
        start_s, most, slowest_s = time.monotonic(), 0, 0.0
        runnable: list[int] = []
        results = asyncio.gather(*[child.result(ATTACK_S + RECOVERY_S) for child in children])
        while not results.done():
            most = max(most, self._memory())
            runnable.append(_runnable())
            asked_s = time.monotonic()
            await self._metrics()
            slowest_s = max(slowest_s, time.monotonic() - asked_s)
            await asyncio.sleep(POLL_S)
        end_s = time.monotonic()
        attackers = await results
        await asyncio.sleep(SETTLE_S)  # for the outcomes of the last requests
        verdict = self.good.verdict(start_s + SETTLE_S, end_s - SETTLE_S)
        after = await self._metrics()
        growth = {name: value - before.get(name, 0.0) for name, value in after.items()}
        return Report(verdict, growth, attackers, slowest_s, mean(runnable)), most

    async def _metrics(self) -> Metrics:
        """Return the metrics of all processes, added up."""
        total: Metrics = {}
        for process in self._processes:
            for name, value in (await metrics(process)).items():
                total[name] = total.get(name, 0.0) + value
        return total

    def _memory(self) -> int:
        return sum(map(memory, self._processes))


def _runnable() -> int:
    """Return how many threads of the machine run or wait for a processor now (proc(5))."""
    running, _, _ = Path("/proc/loadavg").read_text().split()[3].partition("/")
    return int(running)


async def until(condition: Callable[[], bool], seconds: float) -> None:
    """Return once `condition` holds.

    Raises:
        TimeoutError: it does not within `seconds`.
    """
    async with asyncio.timeout(seconds):
        while True:
            if condition():
                return
            await asyncio.sleep(POLL_S)


def visible(growth: Metrics) -> Metrics:
    """Return the metrics that show an attack: refusals, closed connections, many requests."""
    return {
        name: value
        for name, value in growth.items()
        if (name[0] in {"tracker_refused_total", "tracker_closed_total"} and value > 0)
        or (name[0] == "tracker_requests_total" and value > (MANY if _usual(name) else 0))
    }


def _usual(name: tuple[str, ...]) -> bool:
    return "ok" in name and not USUAL.isdisjoint(name)


@contextmanager
def arena(
    *flags: str,
    redis_options: tuple[str, ...] = (),
    protocols: Iterable[str] = ("http", "udp", "ws"),
    authority: Path | None = None,
) -> Iterator[Arena]:
    """A tracker with good clients.

    Args:
        flags: outweigh `FLAGS`.
        redis_options: of the Redis that is started for it.
        protocols: which good clients there are.
        authority: the good clients use TLS and trust this one.
    """
    with redis_servers() as start:
        redis = start(options=redis_options)
        with running_tracker(
            *FLAGS, "--redis-url", redis.url, *flags, env=THRIFTY
        ) as tracker, good_clients(
            {name: tracker.ports[name] for name in protocols}, authority
        ) as good:  # fmt: skip
            yield Arena(tracker, redis, good)


@contextmanager
def good_clients(ports: Mapping[str, int], authority: Path | None = None) -> Iterator[Good]:
    """Good clients of these protocols that are connected and served."""
    good = Good(ports, authority)
    try:
        asyncio.run(_served(good))
        yield good
        good.stop()
    finally:
        good.kill()


async def _served(good: Good) -> None:
    await good.begun()
    await asyncio.sleep(PERIOD_S)  # each client asks once, and keeps its connection
    await good.steady(RECOVERY_S)
