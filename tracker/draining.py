"""The end of a process's service, in an order in which no client's request fails."""

import asyncio
import math
from collections.abc import Callable, Sequence

import structlog
from websockets.frames import CloseCode

from tracker.frontends.ports import TcpPorts
from tracker.frontends.udp import UdpFrontend
from tracker.frontends.websocket import WebSocketConnection, WebSocketFrontend
from tracker.settings import Settings

log = structlog.get_logger()

SPREAD_SHARE = 0.8  # of the drain time, in which browsers are disconnected
LEAST_CLOSES = 200  # browsers disconnected in a second at least: a few need not be kept waiting
FIRST_REQUEST_S = 1.0  # after the ports closed, for the first request of a new connection
POLL_S = 0.02
REPORT_S = 60.0  # between reports of how many browsers stay
# Browsers leave their swarms this long before they are disconnected: other frontends may use a
# sample of a large swarm for a second, and an offer takes some milliseconds.
NOTICE_S = 1.2


class Drain:
    """One drain.

    Args:
        settings: the times.
        tcp: closed first, as `udp`.
        udp: answers what it has received.
        websocket: the browsers' sockets.
        unwritten: returns whether anything can still be written to Redis.
        end_streams: ends responses that would last for ever.
    """

    def __init__(
        self,
        settings: Settings,
        tcp: TcpPorts,
        udp: UdpFrontend,
        websocket: WebSocketFrontend,
        unwritten: Callable[[], bool],
        end_streams: Callable[[], None] = lambda: None,
    ) -> None:
        self._settings = settings
        self._tcp = tcp
        self._udp = udp
        self._websocket = websocket
        self._unwritten = unwritten
        self._end_streams = end_streams
        self._loop = asyncio.get_running_loop()

    async def run(self, browsers_s: float, notice_s: float) -> float:
        """Close the ports, answer requests in flight, disconnect browsers.

        Args:
            browsers_s: how long browsers may stay, before the drain time begins for them.
            notice_s: how long browsers have left their swarms before they are disconnected.

        Returns:
            The seconds left of the drain time.
        """
        listen = self._settings.listen
        deadline = self._loop.time() + listen.drain
        self._tcp.drain()
        await asyncio.sleep(listen.grace)
        self._tcp.close_listeners()
        self._end_streams()
        await self._udp.drain()
        await asyncio.gather(
            self._end_requests(deadline),
            self._end_browsers(deadline + browsers_s, browsers_s, notice_s),
        )
        end = deadline + browsers_s
        await self._until(end, lambda: self._websocket.connections or self._unwritten())
        return end - self._loop.time()

    async def _end_requests(self, deadline: float) -> None:
        """Answer requests over HTTP and UDP, and close the connections and sockets.

        A successor can then use the ports, even while browsers stay.
        """

        def busy() -> bool:
            others = len(self._tcp.connections) - len(self._websocket.connections)
            return others > 0 or self._unwritten()

        last_s = min(deadline, self._loop.time() + FIRST_REQUEST_S)
        self._tcp.close_kept()
        await self._until(last_s, busy)
        self._tcp.close_kept(unasked=True)
        await self._until(deadline, busy)
        self._udp.close()

    async def _end_browsers(self, deadline: float, browsers_s: float, notice_s: float) -> None:
        """Let browsers stay for a while, then disconnect them."""
        connections = self._websocket.connections
        until = self._loop.time() + browsers_s
        while connections and (left_s := until - self._loop.time()) > 0:
            log.info("browsers.staying", number=len(connections), longest_s=round(left_s))
            await self._until(min(until, self._loop.time() + REPORT_S), lambda: connections)
        await self._dismiss(list(connections), deadline - self._loop.time(), notice_s)
        await self._dismiss(list(connections), 0.0, 0.0)  # those that have connected since

    async def _dismiss(
        self, browsers: Sequence[WebSocketConnection], time_s: float, notice_s: float
    ) -> None:
        """Disconnect browsers, spread over the time, so that they do not storm other frontends."""
        if not browsers:
            return
        spread_s = min(time_s * SPREAD_SHARE, len(browsers) / LEAST_CLOSES)
        notice_s = min(notice_s, max(0.0, time_s * SPREAD_SHARE - spread_s))
        steps = max(1, int(spread_s / POLL_S))
        size = max(1, math.ceil(len(browsers) / steps))
        batches = [browsers[at : at + size] for at in range(0, len(browsers), size)]
        await asyncio.gather(
            self._spread(batches, 0.0, lambda browser: browser.retire()),
            self._spread(
                batches, notice_s, lambda browser: browser.close(CloseCode.GOING_AWAY, "reconnect")
            ),
        )

    async def _spread(
        self,
        batches: Sequence[Sequence[WebSocketConnection]],
        delay_s: float,
        act: Callable[[WebSocketConnection], None],
    ) -> None:
        await asyncio.sleep(delay_s)
        for batch in batches:
            for browser in batch:
                act(browser)
            await asyncio.sleep(POLL_S)

    async def _until(self, deadline: float, busy: Callable[[], object]) -> None:
        """Return once nothing is busy any more, or at that time of the loop."""
        # Not an event: what is waited for ends in many places, and only here it is waited for.
        while busy() and self._loop.time() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(POLL_S)
