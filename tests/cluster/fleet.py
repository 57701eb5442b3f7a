"""Frontends of one cluster: `tracker serve` processes over one Redis, each of which may be killed.

with running_fleet(redis.url, 3) as fleet:
    fleet.kill(fleet.frontends[0])
    fleet.replace(fleet.frontends[0])
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from itertools import count
from pathlib import Path
from typing import NamedTuple

from tests import one_address
from tests.cluster.hosts import Host
from tests.tracker_process import TrackerProcess

FLAGS = (
    "--log-json-lines",
    "--with-workers",
    *("--workers-lease", "2"),
    *("--cluster-heartbeat", "1", "--cluster-dead-after", "10"),  # outlives a failover of Redis
    *one_address.FLAGS,
)


class Frontend(NamedTuple):
    """One process, and where it is."""

    name: str
    ip: str
    tracker: TrackerProcess

    def address(self, protocol: str) -> tuple[str, int]:
        """Of ``http``, ``ws``, ``udp`` or ``admin``."""
        return self.ip, self.tracker.ports[protocol]

    @property
    def memory(self) -> int:
        """Bytes in memory."""
        status = Path(f"/proc/{self.tracker.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) << 10


class Fleet:
    """All of them. `frontends` is replaced, never changed, so other threads may read it.

    Args:
        redis_url: as on the command line.
        flags: for each ``tracker serve``; they outweigh `FLAGS`.
    """

    def __init__(self, redis_url: str, *flags: str) -> None:
        self._flags = (*FLAGS, "--redis", redis_url, *flags)
        self._numbers = count()
        self._launched: list[TrackerProcess] = []
        self.frontends: tuple[Frontend, ...] = ()

    def add(self, at: Host | None = None) -> Frontend:
        """Start one more, and wait until it is ready; `at` a host of its own, or on this one."""
        ip = at.ip if at else "127.0.0.1"
        with at.inside() if at else nullcontext():
            return self._ready(ip, self._launch(ip))

    def add_together(self, size: int) -> None:
        """Start several at once on this machine, and wait until all are ready."""
        launched = [self._launch("127.0.0.1") for _ in range(size)]
        for tracker in launched:
            self._ready("127.0.0.1", tracker)

    def _launch(self, ip: str) -> TrackerProcess:
        tracker = TrackerProcess().launch("--admin", f"{ip}:0", *self._flags)
        self._launched.append(tracker)
        return tracker

    def _ready(self, ip: str, tracker: TrackerProcess) -> Frontend:
        tracker.wait_ready()
        frontend = Frontend(f"frontend {next(self._numbers)}", ip, tracker)
        self.frontends = (*self.frontends, frontend)
        return frontend

    def kill(self, frontend: Frontend) -> None:
        """End it as a crash does. It stays on the list, as it would on a load balancer's."""
        self._launched.remove(frontend.tracker)
        frontend.tracker.kill()

    def replace(self, frontend: Frontend) -> Frontend:
        """Start a new one, then stop the old, which must end cleanly."""
        new = self.add()
        frontend.tracker.stop()
        self._launched.remove(frontend.tracker)
        self.frontends = tuple(each for each in self.frontends if each is not frontend)
        return new

    def stop(self) -> None:
        """Stop all that run, at once; each must end cleanly."""
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda each: each.stop(), self._launched))

    def abandon(self) -> None:
        """Kill all that still run."""
        for tracker in self._launched:
            tracker.kill()


@contextmanager
def running_fleet(redis_url: str, size: int, *flags: str) -> Iterator[Fleet]:
    """So many frontends on this machine; those that still run at the end must stop cleanly."""
    fleet = Fleet(redis_url, *flags)
    try:
        fleet.add_together(size)
        yield fleet
        fleet.stop()
    finally:
        fleet.abandon()
