"""The hot path to one Redis server: a connection that is made anew whenever it breaks.

While the first connection is being made requests wait for it; later, while the server is away,
each fails at once, and connections are tried again with growing, jittered pauses.
"""

import asyncio
import random
from collections.abc import Callable
from math import inf
from typing import Protocol

from tracker.errors import Away, Overloaded, Unavailable
from tracker.metrics import Metrics
from tracker.settings import RedisSettings
from tracker.store.address import Address, Server
from tracker.store.damage import Damage
from tracker.store.link import Done, Link, Mend, Reply, tell
from tracker.store.reasons import CLOSED, Unusable, closed_reason, explain
from tracker.store.trouble import Troubles
from tracker.tasks import kept

FIRST_PAUSE_S = 0.05


class Place(Protocol):
    """Where a server is; its text is fit for the log."""

    async def find(self) -> Address:
        """Return the address now; called before each attempt to connect.

        Raises:
            OSError: the servers that know it cannot be reached.
            Unavailable: no server has that place now.
        """


class Pipeline:
    """A `Link` to one server.

    Args:
        place: where it is.
        cluster: whether it must be a node of a cluster; otherwise it must not.
        mend: see `Link`.
        changed: called when a connection stands, breaks, or could not be made.
        troubles: logs why there is no connection.
    """

    def __init__(
        self,
        place: Place,
        settings: RedisSettings,
        metrics: Metrics,
        *,
        cluster: bool = False,
        mend: Mend | None = None,
        changed: Callable[[], None] = lambda: None,
        troubles: Troubles | None = None,
    ) -> None:
        self._place = place
        self._settings = settings
        self._metrics = metrics
        self.damage = Damage(metrics)
        self._troubles = troubles or Troubles()
        self.trouble = self._troubles.of(place)
        self._cluster = cluster
        self._mend = mend
        self._changed = changed
        self._link: Link | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._up = asyncio.Event()
        # What was asked while the first connection is being made.
        self._early: list[tuple[bytes, int, Done]] | None = None
        self._target: Place = place  # of the last attempt: an address, once that was found
        self.address: Address | None = None  # of the connection that stands, or was tried last
        self.server: Server | None = None  # what the server said of itself when we last connected

    @property
    def up(self) -> bool:
        """Whether requests are being taken."""
        return self._link is not None

    @property
    def in_flight(self) -> int:
        """How many requests wait for replies."""
        return len(self._early or ()) if self._link is None else len(self._link)

    @property
    def oldest_at(self) -> float:
        """When the oldest request that waits was sent; see `Link`."""
        return inf if self._link is None else self._link.oldest_at

    def submit(self, commands: bytes, count: int, done: Done) -> None:
        """Send `commands`, which have `count` replies in all; `done` gets them, in order.

        Raises:
            Overloaded: more is in flight than the settings allow.
            Unavailable: there is no connection now.
        """
        if self._link is not None:
            self._link.send(commands, count, done)
        elif self._early is None:
            self._metrics.store_errors["away",] += 1
            raise Away(self.trouble.text)
        elif len(self._early) >= self._settings.max_in_flight:
            self._metrics.store_errors["overloaded",] += 1
            raise Overloaded("the tracker is overloaded")
        else:
            self._early.append((commands, count, done))

    async def ask(self, commands: bytes, count: int) -> list[Reply]:
        """`submit`, awaited: for what is not a packet's answer.

        Raises:
            Unavailable: there is no connection, it broke, or Redis refused.
        """
        return await asked(lambda done: self.submit(commands, count, done))

    def start(self) -> None:
        """Begin to connect, and go on doing so until `close`."""
        self._early = []
        self._keeper = asyncio.create_task(
            kept("redis pipeline", self._keep), name="redis pipeline"
        )

    async def wait_up(self) -> None:
        """Return once a connection stands."""
        await self._up.wait()

    async def close(self) -> None:
        """Close; requests in flight get Unavailable."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
            self._settle()
            self.trouble.leave()

    async def _keep(self) -> None:
        pause = FIRST_PAUSE_S
        while True:
            link = Link(self._settings, self._metrics, self._mend, self.damage, self._troubles)
            try:
                await self._open(link)
                pause = FIRST_PAUSE_S
                self.trouble.end(self.address)
                self._settle()
                self._changed()
                await link.lost.wait()
                self._report_loss(link)
            except (OSError, TimeoutError, Unavailable) as error:
                tls = isinstance(self._target, Address) and self._target.tls
                self.trouble.add(self._target, explain(error, tls=tls))
            except Exception:  # a defect: what waits for the first connection fails now
                self._settle()
                raise
            finally:
                self._link = None
                self._up.clear()
                link.abort()
            self._settle()
            self._changed()
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))
            pause = min(pause * 2, self._settings.reconnect_max)

    def _report_loss(self, link: Link) -> None:
        """Report why the connection broke; if the server closed it, only if it stays down."""
        report = self.trouble.lose if link.reason is CLOSED else self.trouble.add
        report(self.address, link.reason)

    async def _open(self, link: Link) -> None:
        async with asyncio.timeout(self._settings.timeout):
            self._target = self._place
            self._target = self.address = address = await self._place.find()
            await address.connect(link)
            greeting, count = address.greeting()
            try:
                hello, *_ = await asked(lambda done: link.send(greeting, count, done))
            except Away:
                closed = closed_reason(tls=address.tls)
                raise Unusable(closed if link.reason is CLOSED else link.reason) from None
        self.server = server = Server.of(hello)
        server.require_primary()
        server.require_mode(cluster=self._cluster)
        link.server = str(address)
        self._link = link
        self._up.set()

    def _settle(self) -> None:
        """Send what was asked early, or say that the server is away."""
        early, self._early = self._early or [], None
        for commands, count, done in early:
            try:
                self.submit(commands, count, done)
            except Unavailable as error:
                tell(done, error)


async def asked(ask: Callable[[Done], None]) -> list[Reply]:
    """The replies that `ask` hands to its callback.

    Raises:
        Unavailable: it was handed that.
    """
    future: asyncio.Future[list[Reply] | Unavailable] = asyncio.get_running_loop().create_future()

    def done(result: list[Reply] | Unavailable) -> None:
        if not future.done():  # who asked may have been cancelled
            future.set_result(result)

    ask(done)
    result = await future
    if isinstance(result, Unavailable):
        raise result
    return result
