"""Pages that update themselves: server-sent events (HTML standard, "Server-sent events").

One producer per process reads the statistics and writes each event once, for all streams. A stream
that is slower than the producer misses events and gets the newest: nothing queues, and
`tracker.frontends.lent` cuts a stream that is not read.
"""

import asyncio
from collections import Counter as Bag
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress

from aiohttp import web

from tracker.metrics import Metrics
from tracker.model import Ip
from tracker.tasks import kept
from tracker.web.visitor import Visitor

HEARTBEAT_S = (
    8.0  # after which a comment shows proxies that an idle stream is alive: ours wait 10 s
)
RETRY_MS = 5000  # after which a browser connects again
HEADERS = {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",  # nginx would hold events back
}

Produce = Callable[[], Awaitable[Mapping[str, str]]]


class Streams:
    """The open streams of a process.

    Args:
        produce: returns the data of each event, one line each; none if nothing is known.
        every_s: seconds between two calls of it.
        most: streams at once.
        most_per_address: of one address.
        client_key: maps an address to its client.
        metrics: count streams and refusals.
    """

    def __init__(
        self,
        produce: Produce,
        every_s: float,
        most: int,
        most_per_address: int,
        client_key: Callable[[Ip], bytes],
        metrics: Metrics,
    ) -> None:
        self._produce = produce
        self._every_s = every_s
        self._most = most
        self._most_per_address = most_per_address
        self._key = client_key
        self._metrics = metrics
        self._open: Bag[bytes] = Bag()  # by client
        self._ended = False
        self._producer: asyncio.Task[None] | None = None
        self._news = asyncio.Event()  # set, and replaced, when there is something new
        self._data: dict[str, str] = {}  # by event
        self._versions: dict[str, int] = {}  # of the data
        metrics.gauge("tracker_streams", "Pages that update themselves.", lambda: len(self))

    def __len__(self) -> int:
        return self._open.total()

    def add_routes(self, app: web.Application) -> None:
        """Serve ``/stats/events``."""
        app.router.add_get("/stats/events", self._serve)

    def end(self) -> None:
        """End all streams, and accept no more: their browsers connect to another frontend."""
        self._ended = True
        if self._producer is not None:
            self._producer.cancel()
        self._notify()

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        client = self._key(Visitor.of(request).address)
        self._check(client)
        self._open[client] += 1
        try:
            return await self._stream(request)
        finally:
            self._open[client] -= 1
            if not self._open[client]:
                del self._open[client]

    def _check(self, client: bytes) -> None:
        """Refuse a stream over a limit; browsers do not ask again after an error."""
        if self._ended:
            raise web.HTTPServiceUnavailable
        if self._open[client] >= self._most_per_address:
            self._metrics.refused["streams", "address"] += 1
            raise web.HTTPTooManyRequests
        if len(self) >= self._most:
            self._metrics.refused["streams", "process"] += 1
            raise web.HTTPServiceUnavailable

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers=HEADERS)
        await response.prepare(request)
        if request.method == "HEAD":
            return response
        await response.write(f"retry: {RETRY_MS}\n\n".encode())
        if self._producer is None:
            self._producer = asyncio.create_task(kept("events", self._run), name="events")
        sent: dict[str, int] = {}
        while not self._ended:
            news = self._news
            fresh = {name: at for name, at in self._versions.items() if sent.get(name) != at}
            await response.write(b"".join(map(self._event, fresh)) or b":\n\n")
            sent |= fresh
            with suppress(TimeoutError):
                async with asyncio.timeout(HEARTBEAT_S):
                    await news.wait()
        return response

    def _event(self, name: str) -> bytes:
        return f"event: {name}\ndata: {self._data[name]}\n\n".encode()

    async def _run(self) -> None:
        """Produce as long as a stream is open."""
        while self._open:
            self._take(await self._produce())
            await asyncio.sleep(self._every_s)
        self._data.clear()
        self._versions.clear()
        self._producer = None

    def _take(self, parts: Mapping[str, str]) -> None:
        changed = {name: data for name, data in parts.items() if self._data.get(name) != data}
        self._data |= changed
        self._versions |= {name: self._versions.get(name, 0) + 1 for name in changed}
        if changed:
            self._notify()

    def _notify(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()
