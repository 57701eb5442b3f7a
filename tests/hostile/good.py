"""Good clients of all protocols, in a process of their own, at a steady rate.

Each has an address of its own and checks every answer. `Good` is the tests' side of it.
"""

import asyncio
import itertools
import math
import random
import ssl
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, cast

import uvloop

from tests.hostile import good_browsers, good_peers
from tests.hostile.addresses import GOOD, address
from tests.hostile.child import Child, begun, report

AnyClient = good_peers.Client | good_browsers.Browser

PERIOD_S = 1.0  # between two requests of one client
HTTP, KEPT, UDP, BROWSERS = 25, 25, 25, 25  # clients
MOST_FAILED = 0.01  # share of the requests
MOST_P99_S = 0.25


class Outcome(NamedTuple):
    """What became of one request. Times are seconds of the monotonic clock."""

    protocol: str
    at_s: float  # when it was sent
    took_s: float
    failure: str | None  # None: a correct answer


class Verdict(NamedTuple):
    """The outcomes of some time, in short."""

    requests: int
    failures: Mapping[tuple[str, str], int]  # by protocol and failure
    p99_s: float

    @property
    def good(self) -> bool:
        """Whether the clients were served as if nothing had happened."""
        failed = sum(self.failures.values())
        return failed <= MOST_FAILED * self.requests and self.p99_s <= MOST_P99_S

    @classmethod
    def of(cls, outcomes: Iterable[Outcome]) -> "Verdict":
        """Sum up outcomes, of which there must be some."""
        all_ = list(outcomes)
        assert all_, "no good client has finished a request"
        took = sorted(each.took_s for each in all_)
        failures = Counter(
            (each.protocol, each.failure) for each in all_ if each.failure is not None
        )
        return cls(len(all_), failures, took[math.ceil(0.99 * len(took)) - 1])


class Good:
    """The running good clients."""

    def __init__(self, ports: Mapping[str, int], authority: Path | None = None) -> None:
        """`authority` signs the tracker's certificate; None: the tracker does not use TLS."""
        ca = None if authority is None else str(authority)
        self._child = Child(run, nice=0, ports=dict(ports), authority=ca)
        self.outcomes: list[Outcome] = []

    async def begun(self) -> None:
        """Return once all clients are connected."""
        await self._child.begun()

    def verdict(self, since_s: float, until_s: float) -> Verdict:
        """Judge the requests that were sent from `since_s` to `until_s`."""
        self.outcomes += [Outcome(*cast(list[Any], each)) for each in self._child.reported()]
        return Verdict.of(each for each in self.outcomes if since_s <= each.at_s <= until_s)

    async def steady(self, seconds: float) -> None:
        """Return once all requests of some time, at most two seconds, were answered in time.

        Raises:
            AssertionError: this takes longer than `seconds`.
        """
        begun_s = time.monotonic()
        while True:
            await asyncio.sleep(PERIOD_S / 2)
            now_s = time.monotonic()
            verdict = self.verdict(max(begun_s, now_s - 2 * PERIOD_S), now_s - MOST_P99_S)
            if not verdict.failures and verdict.p99_s <= MOST_P99_S:
                return
            assert now_s < begun_s + seconds, (
                f"good clients are not served {seconds} s after it: {verdict}"
            )

    def stop(self) -> None:
        """End the clients."""
        self._child.stop()

    def kill(self) -> None:
        """End them at once."""
        self._child.kill()


# -- in the child ----------------------------------------------------------------------------------


def run(*, ports: dict[str, int], authority: str | None) -> None:
    """Be all good clients until standard input is closed; report each `Outcome`."""
    tls = None if authority is None else ssl.create_default_context(cafile=authority)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_live(ports, tls))


async def _live(ports: Mapping[str, int], tls: ssl.SSLContext | None) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin.fileno(), stop.set)
    clients = _clients(ports, tls)
    await asyncio.gather(*[client.open() for client in clients])
    begun()
    tasks = [asyncio.create_task(_ask_often(client)) for client in clients]
    await stop.wait()
    for task in tasks:
        task.cancel()
    for result in await asyncio.gather(*tasks, return_exceptions=True):
        assert isinstance(result, asyncio.CancelledError), result
    for client in clients:
        client.close()


def _clients(ports: Mapping[str, int], tls: ssl.SSLContext | None) -> list[AnyClient]:
    """Make the clients of the protocols that have a port."""
    kinds = (
        ("http", HTTP, good_peers.NewConnections),
        ("http", KEPT, good_peers.KeptConnection),
        ("udp", UDP, good_peers.Datagrams),
    )
    sources = (address(GOOD, number) for number in itertools.count())
    clients: list[AnyClient] = [
        kind(next(sources), ports[protocol], tls)
        for protocol, number, kind in kinds
        if protocol in ports
        for _ in range(number)
    ]
    if "ws" in ports:
        clients.extend(
            good_browsers.Browser(next(sources), ports["ws"], number, tls)
            for number in range(BROWSERS)
        )
    return clients


async def _ask_often(client: AnyClient) -> None:
    due_s = time.monotonic() + random.random() * PERIOD_S
    while True:
        await asyncio.sleep(max(0.0, due_s - time.monotonic()))
        due_s = max(due_s + PERIOD_S, time.monotonic())
        for name, ask in client.requests():
            await _ask(name, ask)


async def _ask(protocol: str, ask: Callable[[], Awaitable[None]]) -> None:
    at_s, failure = time.monotonic(), None
    try:
        async with asyncio.timeout(good_peers.PATIENCE_S):
            await ask()
    except good_peers.WRONG as error:
        failure = f"{type(error).__name__}: {error}"[:200]
    report((protocol, at_s, time.monotonic() - at_s, failure))
