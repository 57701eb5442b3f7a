"""The hot path to one Redis: one connection, many requests in flight, no task for any of them.

What one turn of the loop asks is written at once; replies come back in order and are matched by
a queue of callbacks: to await a client library for each would cost more than all the rest of an
announce. Bounded in number and in time; while Redis is away every request fails at once, and
connections are tried again with growing, jittered pauses.
"""

import asyncio
import random
from collections import deque
from collections.abc import Callable
from typing import TypeAlias, cast

import hiredis
import structlog

from tracker.errors import Overloaded, Unavailable
from tracker.metrics import Metrics
from tracker.settings import RedisSettings
from tracker.store.address import Address

# Whatever RESP can say; who sent the commands knows the shape of their replies.
Reply: TypeAlias = list["Reply"] | bytes | int | None
Done: TypeAlias = Callable[[list[Reply] | Unavailable], None]

log = structlog.get_logger()

PLENTY = 64  # requests; larger batches cost Redis no less a request
FIRST_PAUSE_S = 0.05
AWAY = "the tracker's store is away"
KNOWN_REFUSALS = frozenset(
    {"OOM", "LOADING", "READONLY", "MASTERDOWN", "NOAUTH", "NOPERM", "BUSY", "MISCONF"}
)


class Link(asyncio.Protocol):
    """One connection's life: from `connection_made` to `connection_lost`, then never again."""

    def __init__(self, settings: RedisSettings, metrics: Metrics) -> None:
        self._loop = asyncio.get_running_loop()
        self._most = settings.max_in_flight
        self._timeout = settings.timeout
        self._metrics = metrics
        self._reader = hiredis.Reader(replyError=self._refused)
        self._transport: asyncio.Transport | None = None
        self._waiting: deque[tuple[int, Done, float]] = deque()  # replies due, callback, sent at
        self._replies: list[Reply] = []  # of the request at the head of the queue
        self._refusal: str | None = None  # the first error among them
        self._told: set[str] = set()  # codes of errors that the log has
        self._out: list[bytes] = []
        self._gathered = 0  # how many of them the last turn of the loop left
        self._watch: asyncio.TimerHandle | None = None
        self.lost = asyncio.Event()

    def send(self, commands: bytes, count: int, done: Done) -> None:
        """Send `commands`, which have `count` replies; `done` gets those, or why there are none.

        Raises:
            Overloaded: too many wait already.
            Unavailable: the connection is closed.
        """
        if len(self._waiting) >= self._most:
            self._metrics.store_errors["overloaded",] += 1
            raise Overloaded("the tracker is overloaded")
        if self.lost.is_set():
            self._metrics.store_errors["away",] += 1
            raise Unavailable(AWAY)
        if not self._out:
            self._loop.call_soon(self._flush)
        self._out.append(commands)
        self._waiting.append((count, done, self._loop.time()))

    def abort(self) -> None:
        """Close at once; whoever waits is told."""
        if self._transport is not None:
            self._transport.abort()

    def __len__(self) -> int:
        """How many requests wait for replies."""
        return len(self._waiting)

    def _flush(self) -> None:
        """Write, once a turn of the loop brought nothing more, or when there is plenty.

        Under load that makes batches where one turn has but a few requests: a write costs both
        sides a system call or two. An idle loop turns again in microseconds, no timer needed.
        """
        gathered = len(self._out)
        if self._gathered < gathered < PLENTY:
            self._gathered = gathered
            self._loop.call_soon(self._flush)
            return
        if self._transport is not None:
            self._transport.write(b"".join(self._out))
        self._out.clear()
        self._gathered = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection stands."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's fits by shape only
        self._watch = self._loop.call_later(self._timeout / 8, self._check_deadline)

    def data_received(self, data: bytes) -> None:
        """Take in what the other end sent."""
        self._reader.feed(data)
        gets, waiting, replies = self._reader.gets, self._waiting, self._replies
        if waiting:  # the longest wait of this turn; one look at the clock serves all
            self._metrics.store_seconds.observe(self._loop.time() - waiting[0][2])
        try:
            while (reply := gets()) is not False:
                replies.append(reply)
                if len(replies) == waiting[0][0]:
                    done = waiting.popleft()[1]
                    finished, replies = replies, []
                    self._replies = replies
                    if self._refusal is None:
                        self._tell(done, finished)
                    else:
                        error, self._refusal = self._error(self._refusal), None
                        self._tell(done, error)
        except (hiredis.ProtocolError, IndexError) as error:
            log.error("redis.protocol", error=str(error))  # bytes that are not a reply we asked for
            self.abort()

    def _tell(self, done: Done, result: list[Reply] | Unavailable) -> None:
        try:
            done(result)
        except Exception as error:  # noqa: BLE001 - one request's fault must not cost the others
            self._loop.call_exception_handler(
                {"message": "a store callback failed", "exception": error}
            )

    def _refused(self, text: str) -> Exception:
        """Hiredis asks what to put in place of an error reply; we note the first as well."""
        if self._refusal is None:
            self._refusal = text
        return hiredis.ReplyError(text)

    def _error(self, text: str) -> Unavailable:
        code = text.partition(" ")[0]
        kind = code.lower() if code in KNOWN_REFUSALS else "other"
        self._metrics.store_errors[kind,] += 1
        if code not in self._told:  # once a connection: it may be said to each of many requests
            self._told.add(code)
            log.error("redis.refused", error=text)
        return Overloaded("the tracker is full") if code == "OOM" else Unavailable(AWAY)

    def _check_deadline(self) -> None:
        """Replies come in order, so only the oldest request's age matters."""
        now = self._loop.time()
        if self._waiting and now - self._waiting[0][2] > self._timeout:
            self._metrics.store_errors["timeout",] += 1
            log.warning("redis.timeout", waiting=len(self._waiting))
            self.abort()
        else:
            self._watch = self._loop.call_later(self._timeout / 8, self._check_deadline)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is over."""
        assert self._watch is not None  # made with the connection
        self._watch.cancel()
        self._transport = None
        self.lost.set()
        error = Unavailable(AWAY)
        while self._waiting:
            _, done, _ = self._waiting.popleft()
            self._metrics.store_errors["lost",] += 1
            self._tell(done, error)


class Pipeline:
    """A `Link` that is made anew whenever it breaks."""

    def __init__(self, url: str, settings: RedisSettings, metrics: Metrics) -> None:
        self._address = Address(url)
        self._settings = settings
        self._metrics = metrics
        self._link: Link | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._up = asyncio.Event()

    @property
    def up(self) -> bool:
        """Whether requests are being taken."""
        return self._link is not None

    @property
    def in_flight(self) -> int:
        """How many requests wait for replies."""
        return 0 if self._link is None else len(self._link)

    def submit(self, commands: bytes, count: int, done: Done) -> None:
        """Send `commands`, which have `count` replies in all; `done` gets them, in order.

        Raises:
            Overloaded: more is in flight than the settings allow.
            Unavailable: there is no connection now.
        """
        if self._link is None:
            self._metrics.store_errors["away",] += 1
            raise Unavailable(AWAY)
        self._link.send(commands, count, done)

    async def start(self) -> None:
        """Begin to connect, and go on doing so until `close`."""
        self._keeper = asyncio.create_task(self._keep(), name="redis pipeline")

    async def wait_up(self) -> None:
        """Return once a connection stands."""
        await self._up.wait()

    async def close(self) -> None:
        """Close; requests in flight get Unavailable."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)

    async def _keep(self) -> None:
        pause = FIRST_PAUSE_S
        while True:
            link = Link(self._settings, self._metrics)
            try:
                await self._open(link)
                pause = FIRST_PAUSE_S
                log.info("redis.up", address=str(self._address))
                await link.lost.wait()
                log.warning("redis.lost", address=str(self._address))
            except (OSError, TimeoutError, Unavailable) as error:
                log.warning("redis.away", address=str(self._address), error=str(error))
            finally:
                self._link = None
                self._up.clear()
                link.abort()
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))
            pause = min(pause * 2, self._settings.reconnect_max)

    async def _open(self, link: Link) -> None:
        async with asyncio.timeout(self._settings.timeout):
            await self._address.connect(link)
            greeted: asyncio.Future[list[Reply] | Unavailable] = asyncio.Future()
            link.send(
                *self._address.greeting(),
                lambda result: None if greeted.done() else greeted.set_result(result),
            )
            result = await greeted
        if isinstance(result, Unavailable):
            raise result
        self._link = link
        self._up.set()
