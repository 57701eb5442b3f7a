"""A steady load of all protocols on a cluster, at a set rate, with every answer checked.

    with running_load(ByReadiness(fleet, Random(1))) as load:
        load.settle(20)
        fleet.kill(fleet.frontends[0])
        load.go_on(5)
    assert not failed(load.outcomes)

It runs in a thread of its own, so a test may block.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AsyncExitStack, contextmanager, nullcontext
from itertools import cycle, takewhile
from random import Random
from typing import Any, NamedTuple

import uvloop

from tests.cluster.announces import Announces
from tests.cluster.balancer import Balancer
from tests.cluster.browsers import Browser, Habits
from tests.cluster.hosts import Host
from tests.cluster.offers import Offers
from tests.cluster.population import Population, population
from tests.cluster.records import Outcome, failed, failures
from tests.cluster.udp_asking import UdpClient
from tracker.model import InfoHash

TICK_S = 0.005  # what fell due in it is sent at once
MAX_UNDER_WAY = 10_000  # requests; more are a fault of the test
UDP_SOCKETS = 16
SETTLE_S = 1.0  # at the end, for offers that are under way
POLL_S = 0.05
CALM_S = 1.0
LAST = 1000  # outcomes, to show what still fails


class Mix(NamedTuple):
    """Announces a second of each kind, and of whom."""

    http: int = 400
    kept: int = 400
    udp: int = 800
    ws: int = 400
    peers: int = 3200  # over HTTP and UDP
    browsers: int = 60
    swarms: int = 60
    offers: int = 1  # in each announce of a browser
    return_s: float = 3.0  # how long browsers wait at most before they come back
    patience_s: float = 3.0  # after which an answer counts as failed
    resend_s: float | None = None  # after which a datagram is sent again; None: never
    reconnects: bool = False  # when a connection is gone, a request is sent on a new one


MIXED = Mix()  # 2,000 announces a second
# What can be told apart by milliseconds also when all that is under way is answered at once.
GENTLE = Mix(http=120, kept=120, udp=240, ws=120, peers=960, swarms=20)


class Load:
    """What runs, and what a test may ask of it meanwhile."""

    def __init__(self, balancer: Balancer, mix: Mix, people: Population, rng: Random) -> None:
        self.outcomes: list[Outcome] = []
        self.offers = Offers()
        self._mix = mix
        self._balancer = balancer
        self._people = people
        self._rng = rng
        self._announces = Announces(balancer, mix.patience_s, mix.reconnects, self.outcomes.append)
        self._under_way: set[asyncio.Task[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop = asyncio.Event()
        self._failed: BaseException | None = None
        habits = Habits(mix.browsers / mix.ws, mix.offers, mix.return_s, mix.patience_s)
        self.browsers = [
            Browser(
                *page, habits, balancer, self.offers, self.outcomes.append, Random(rng.random())
            )
            for page in people.browsers
        ]

    # -- asked by the test -----------------------------------------------------------------------

    def settle(self, seconds: float) -> None:
        """Return once the last answer about each swarm, of those asked for from now on, is whole.

        So it waits at first until everybody has announced.
        """
        since_s = time.monotonic()
        everybody = {(swarm.info_hash, False) for swarm in self._people.swarms}
        everybody |= {(browser.swarm.info_hash, True) for browser in self.browsers}
        last: dict[tuple[InfoHash, bool], bool] = {}
        seen = len(self.outcomes)

        def whole() -> bool:
            nonlocal seen
            fresh = self.outcomes[seen:]
            seen += len(fresh)
            for each in fresh:
                if each.at_s >= since_s:
                    last[each.info_hash, each.protocol == "ws"] = each.whole
            return last.keys() == everybody and all(last.values())

        self.until(whole, seconds)

    def calm(self, seconds: float) -> None:
        """Return once nothing has failed for `CALM_S`, after trouble that began by now."""
        begun_s = time.monotonic()

        def calm() -> bool:
            since_s = time.monotonic() - CALM_S
            last = takewhile(lambda each: each.until_s >= since_s, reversed(self.outcomes))
            return since_s >= begun_s and not failed(last)

        self.until(calm, seconds)

    def go_on(self, seconds: float) -> None:
        """Let so much time go by."""
        end_s = time.monotonic() + seconds
        self.until(lambda: time.monotonic() >= end_s, seconds + 1)

    def until(self, condition: Callable[[], bool], seconds: float) -> None:
        """Return once `condition` holds; fail if it does not in time, or if the load failed."""
        end_s = time.monotonic() + seconds
        while not condition():
            if self._failed is not None:
                raise self._failed
            assert time.monotonic() < end_s, (
                f"not within {seconds} s: {failures(self.outcomes[-LAST:])}"
            )
            time.sleep(POLL_S)

    # -- in the thread ---------------------------------------------------------------------------

    def run(self, at: Host | None) -> None:
        """Until `stop`."""
        try:
            with (
                at.inside() if at else nullcontext(),
                asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
            ):
                runner.run(self._main())
        except BaseException as error:  # noqa: BLE001 - raised in the test's thread
            self._failed = error

    def stop(self, thread: threading.Thread) -> None:
        """Send no more, wait for the answers, end; raises what went wrong in the thread."""
        if self._loop is not None and thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
        thread.join()
        if self._failed is not None:
            raise self._failed

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        async with AsyncExitStack() as stack:
            stack.callback(self._announces.close)
            watching = asyncio.create_task(self._balancer.watch())
            stack.push_async_callback(_cancel, [watching])
            browsers = [asyncio.create_task(browser.live()) for browser in self.browsers]
            stack.push_async_callback(_cancel, browsers)
            clients = [await self._udp_client(stack) for _ in range(UDP_SOCKETS)]
            await self._send(clients)
            for browser in self.browsers:
                browser.silent = True
            if self._under_way:
                await asyncio.wait(self._under_way)
            await asyncio.sleep(SETTLE_S)
            for task in (watching, *browsers):
                assert not task.done() or task.exception() is None, task

    async def _udp_client(self, stack: AsyncExitStack) -> UdpClient:
        client = UdpClient(self._mix.resend_s)
        assert self._loop is not None
        await self._loop.create_datagram_endpoint(lambda: client, local_addr=("0.0.0.0", 0))
        stack.callback(client.close)
        return client

    async def _send(self, clients: list[UdpClient]) -> None:
        """At the rate of the mix, whatever becomes of what was sent before."""
        mix, rng = self._mix, self._rng
        kinds = ("http", "kept", "udp")
        rates = (mix.http, mix.kept, mix.udp)
        peers = cycle(self._people.peers)
        started_s, sent = time.monotonic(), 0
        while not self._stop.is_set():
            due = int((time.monotonic() - started_s) * sum(rates))
            for kind in rng.choices(kinds, rates, k=due - sent):
                peer = next(peers)
                if kind == "http":
                    self._spawn(self._announces.http(peer))
                elif kind == "kept":
                    self._spawn(self._announces.kept(peer))
                else:
                    self._spawn(self._announces.udp(rng.choice(clients), peer))
            sent = due
            self._announces.part()
            await asyncio.sleep(TICK_S)

    def _spawn(self, announce: Coroutine[Any, Any, None]) -> None:
        if len(self._under_way) >= MAX_UNDER_WAY:
            announce.close()
            raise AssertionError("too many requests without an answer")
        task = asyncio.create_task(announce)
        self._under_way.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self._failed = task.exception()
            self._stop.set()


async def _cancel(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@contextmanager
def running_load(
    balancer: Balancer, mix: Mix = MIXED, *, at: Host | None = None, seed: str = "load"
) -> Iterator[Load]:
    """A load on the frontends that the balancer chooses among, from a host or from this one."""
    ip = at.ip if at else "127.0.0.1"
    people = population(ip=ip, swarms=mix.swarms, peers=mix.peers, browsers=mix.browsers, seed=seed)
    load = Load(balancer, mix, people, Random(seed))
    thread = threading.Thread(target=load.run, args=(at,), name="load")
    thread.start()
    try:
        yield load
    finally:
        load.stop(thread)
