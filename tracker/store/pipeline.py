"""The hot path to one Redis server: a connection that is made anew whenever it breaks.

While the first connection is being made requests wait for it; later, while the server is away,
each fails at once, and connections are tried again with growing, jittered pauses.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from math import inf
from typing import TypeAlias

import structlog

from tracker.errors import Away, Overloaded, Unavailable
from tracker.metrics import Metrics
from tracker.settings import RedisSettings
from tracker.store.address import Address, Server
from tracker.store.damage import Damage
from tracker.store.link import Done, Link, Mend, Reply, tell
from tracker.store.trouble import Trouble
from tracker.tasks import kept

# Where the server is now: asked before each attempt to connect. Raises OSError or Unavailable.
Find: TypeAlias = Callable[[], Awaitable[Address]]

log = structlog.get_logger()

FIRST_PAUSE_S = 0.05


class Pipeline:
    """A `Link` to one server.

    Args:
        find: tells where it is.
        cluster: whether it must be a node of a cluster; otherwise it must not.
        mend: see `Link`.
        changed: called when a connection stands, breaks, or could not be made.
    """

    def __init__(
        self,
        find: Find,
        settings: RedisSettings,
        metrics: Metrics,
        *,
        cluster: bool = False,
        mend: Mend | None = None,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self._find = find
        self._settings = settings
        self._metrics = metrics
        self.damage = Damage(metrics)
        self.trouble = Trouble()
        self._cluster = cluster
        self._mend = mend
        self._changed = changed
        self._link: Link | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._up = asyncio.Event()
        # What was asked while the first connection is being made.
        self._early: list[tuple[bytes, int, Done]] | None = None
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
            raise Away
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

    async def _keep(self) -> None:
        pause = FIRST_PAUSE_S
        while True:
            link = Link(self._settings, self._metrics, self._mend, self.damage)
            try:
                await self._open(link)
                pause = FIRST_PAUSE_S
                self.trouble.end()
                self._settle()
                log.info("redis.up", address=str(self.address))
                self._changed()
                await link.lost.wait()
                log.warning("redis.lost", address=str(self.address))
            except (OSError, TimeoutError, Unavailable) as error:
                self.trouble.add(self.address, error)
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

    async def _open(self, link: Link) -> None:
        async with asyncio.timeout(self._settings.timeout):
            address = self.address = await self._find()
            await address.connect(link)
            greeting, count = address.greeting()
            hello, *_ = await asked(lambda done: link.send(greeting, count, done))
        self.server = server = Server.of(hello)
        if server.role != "master":
            raise Unavailable(f"it is a {server.role}, not a primary")
        if self._cluster != (server.mode == "cluster"):
            raise Unavailable(f"it runs in the mode {server.mode}: use the URL for that")
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
