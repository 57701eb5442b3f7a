"""Browsers: sockets that stay, announce with offers, answer others' offers, and come back."""

import asyncio
import time
from collections.abc import Callable, Container
from contextlib import suppress
from random import Random
from typing import NamedTuple

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from tests.cluster.balancer import Balancer
from tests.cluster.offers import Offers
from tests.cluster.population import Swarm
from tests.cluster.records import CLOSED, SILENCE, Absence, Outcome
from tests.cluster.server import Server
from tracker.draining import NOTICE_S
from tracker.errors import Malformed
from tracker.model import Event, PeerId
from tracker.wire import websocket_client as wire
from tracker.wire.websocket import OfferIn

UNCOUNTED = "it is not counted itself"
LEAVING_S = NOTICE_S + 1.0  # a drain may have removed a browser this long before it closes a socket


class Habits(NamedTuple):
    """What a browser does when."""

    period_s: float  # between its announces
    offers: int  # in each
    return_s: float  # at most, after its socket was closed, until it opens another
    patience_s: float  # for a connection, and for the answer to an announce


class Browser:
    """One WebTorrent peer, as bittorrent-tracker's client behaves, but less patient.

    Args:
        swarm: the only one it is in.
        peer_id: stays the same on all of its sockets.
        habits: what it does when.
        balancer: chooses the frontend of each new socket.
        offers: the book of all browsers' offers.
        outcome: takes what became of each announce.
        rng: its chance.
    """

    def __init__(
        self,
        swarm: Swarm,
        peer_id: PeerId,
        habits: Habits,
        balancer: Balancer,
        offers: Offers,
        outcome: Callable[[Outcome], None],
        rng: Random,
    ) -> None:
        self.swarm, self.peer_id = swarm, peer_id
        self.frontend: Server | None = None  # where it is in the swarm
        self.absences: list[Absence] = []
        self.silent = False  # it announces no more
        self._balancer = balancer
        self._offers = offers
        self._outcome = outcome
        self._habits = habits
        self._rng = rng
        self._lost: tuple[float, str] | None = None
        self._uncounted: list[Outcome] = []  # failures, unless the socket is closed soon
        self._reply: asyncio.Future[wire.AnnounceReply | wire.ErrorReply] | None = None

    def on(self, names: Container[str]) -> bool:
        """Whether it is in its swarm on one of these frontends."""
        return self.frontend is not None and self.frontend.name in names

    async def live(self) -> None:
        """Be in the swarm, on one socket after the other, until cancelled."""
        await asyncio.sleep(self._rng.uniform(0, self._habits.period_s))
        while True:
            frontend = self._balancer.pick()
            with suppress(OSError, TimeoutError, WebSocketException):
                async with connect(
                    "ws://{}:{}/announce".format(*frontend.address("ws")),
                    compression=None,
                    ping_interval=None,
                    open_timeout=self._habits.patience_s,
                    close_timeout=0.1,
                    proxy=None,
                ) as socket:
                    await self._use(socket, frontend)
            self._away()
            await asyncio.sleep(self._rng.uniform(0, self._habits.return_s))

    def _away(self) -> None:
        self._report_uncounted()
        self._uncounted.clear()
        if self.frontend is not None:
            self._lost = time.monotonic(), self.frontend.name
            self.frontend = None

    def _back(self, frontend: Server) -> None:
        if self._lost is not None:
            since_s, left = self._lost
            self.absences.append(Absence(since_s, time.monotonic(), left, frontend.name))
            self._lost = None
        self.frontend = frontend

    async def _use(self, socket: ClientConnection, frontend: Server) -> None:
        announcing = asyncio.create_task(self._announce_often(socket, frontend))
        try:
            async for message in socket:
                assert isinstance(message, str)
                await self._hear(socket, frontend, message.encode())
        finally:
            announcing.cancel()
            with suppress(asyncio.CancelledError):
                await announcing

    async def _announce_often(self, socket: ClientConnection, frontend: Server) -> None:
        event = Event.STARTED
        while not self.silent:
            due_s = time.monotonic() + self._habits.period_s
            await self._announce(socket, frontend, event)
            event = Event.NONE
            await asyncio.sleep(max(0.0, due_s - time.monotonic()))

    async def _announce(self, socket: ClientConnection, frontend: Server, event: Event) -> None:
        at_s = time.monotonic()
        many = self._habits.offers if event is Event.NONE else 0  # the first may find nobody there
        offers = self._offers.make(self.swarm, self.peer_id, frontend.name, many)
        message = wire.encode_announce_request(
            self.swarm.info_hash, self.peer_id, event=event, left=1, offers=offers
        )
        self._reply = asyncio.get_running_loop().create_future()
        failure, reply = CLOSED, None
        try:
            async with asyncio.timeout(self._habits.patience_s):
                await socket.send(message, text=True)
                answer = await self._reply
            if isinstance(answer, wire.ErrorReply):
                failure = answer.reason
            else:
                failure, reply = "", answer
        except TimeoutError:
            failure = SILENCE
        except WebSocketException:
            pass  # the socket's reader sees it too, and ends all this
        finally:
            self._told(at_s, frontend, offers, failure, reply)

    def _told(
        self,
        at_s: float,
        frontend: Server,
        offers: list[OfferIn],
        failure: str,
        reply: wire.AnnounceReply | None,
    ) -> None:
        total = 0
        if reply is None:
            self._offers.void(offers)
        else:
            self._back(frontend)
            # More than there are is no failure: some still stand there with a dead frontend.
            total = (reply.seeders or 0) + (reply.leechers or 0)
            if total == 1:  # all others are about to be disconnected
                self._offers.void(offers)
            failure = "" if total else UNCOUNTED
        outcome = Outcome(
            at_s,
            time.monotonic() - at_s,
            "ws",
            frontend.name,
            self.swarm.info_hash,
            failure or None,
            total == len(self.swarm.browsers),
            reply.interval_s if reply else 0,
        )
        self._report_uncounted()
        if failure == UNCOUNTED:
            self._uncounted.append(outcome)
        else:
            self._outcome(outcome)

    def _report_uncounted(self) -> None:
        """Report replies after which the socket should have been closed by now."""
        since_s = time.monotonic() - LEAVING_S
        while self._uncounted and self._uncounted[0].at_s < since_s:
            self._outcome(self._uncounted.pop(0))

    async def _hear(self, socket: ClientConnection, frontend: Server, message: bytes) -> None:
        try:
            reply = wire.decode_reply(message)
        except Malformed as error:
            self._offers.wrong[error.reason] += 1
            return
        if isinstance(reply, wire.OfferReply):
            answer = self._offers.delivered(reply, self.peer_id, frontend.name)
            if answer is not None:
                await socket.send(answer, text=True)
        elif isinstance(reply, wire.AnswerReply):
            self._offers.returned(reply, self.peer_id)
        elif isinstance(reply, wire.UnusableReply):
            self._offers.wrong["a malformed offer or answer"] += 1
        elif isinstance(reply, wire.ScrapeReply):
            self._offers.wrong["a scrape that nobody asked for"] += 1
        elif self._reply is not None and not self._reply.done():
            self._reply.set_result(reply)
