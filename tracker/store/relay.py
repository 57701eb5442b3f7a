"""The relay: offers and answers to other frontends, by pub/sub, a channel for each.

What one turn of the loop has for a frontend goes out as one frame. Nobody is waited for: what is
on its way is bounded in bytes, and lost when Redis fails. A frame that nobody listens to tells
that its frontend is gone; its offers go on to other takers.
"""

import asyncio
import math
import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import count
from typing import TypeAlias

import structlog

from tracker.errors import Malformed, Unavailable
from tracker.metrics import Metrics
from tracker.model import Answer, FrontendId, InfoHash, Offer, PeerId
from tracker.service.ports import Delivery, Frontends, InVain, Sockets
from tracker.settings import RedisSettings
from tracker.store.keys import relay_channel
from tracker.store.link import Done, Reply
from tracker.store.pipeline import asked
from tracker.store.subscription import Subscription, publish
from tracker.store.topology import Redis
from tracker.wire.relay import (
    MAX_FRAME,
    MAX_ITEMS,
    MEMBER_SIZE,
    VERSION,
    VERSION_OF_MOVED,
    AddressDigest,
    Moved,
    Packed,
    Probe,
    address_digest,
    decode_frame,
    encode_answer,
    encode_frame,
    encode_moved,
    encode_offer,
    encode_probe,
)

# Removes from a swarm the entry of a browser that this frontend has no socket of.
Gone: TypeAlias = Callable[[InfoHash, PeerId], None]

log = structlog.get_logger()

# How long browsers that joined are gathered, for each other frontend: each must hear of them, and
# so none sends or gets more than a hundred such frames a second, however many there are.
GATHER_S = 0.01
MOST_JOINED = MAX_FRAME // MEMBER_SIZE  # browsers; more are reported at once
LOG_EVERY_S = 60.0  # frames that are not valid


class Outbox:
    """What goes to one frontend in one frame."""

    __slots__ = ("answers", "in_vain", "items", "moved", "size")

    def __init__(self) -> None:
        self.items: list[Packed] = []
        self.size = 0  # bytes of them
        self.in_vain: list[InVain] = []  # of each offer
        self.answers = 0
        self.moved = 0


class RedisRelay:
    """Fits `tracker.service.ports.Relay`.

    Args:
        redis: where the channels are.
        settings: its times.
        frontends: who can be reached.
        sockets: the browsers of this frontend.
        gone: called for a browser that an offer came for, or that moved, and is not here (now).
        metrics: get ``relayed`` and ``tracker_relay_seconds``.
        max_bytes: bound of what is on its way to Redis.
        max_text: bytes of the largest offer or answer that any frontend accepts.
    """

    def __init__(
        self,
        redis: Redis,
        settings: RedisSettings,
        frontends: Frontends,
        sockets: Sockets,
        gone: Gone,
        metrics: Metrics,
        max_bytes: int,
        max_text: int,
    ) -> None:
        self._redis = redis
        self._timeout_s = settings.timeout
        self._frontends = frontends
        self._me = frontends.me
        self._sockets = sockets
        self._gone = gone
        self._relayed = metrics.relayed
        self._max_bytes = max_bytes
        self._max_text = max_text
        self._logged_at = -math.inf
        self._loop = asyncio.get_running_loop()
        self._outboxes: dict[FrontendId, Outbox] = {}
        self._on_way = 0  # bytes in outboxes, and of frames that Redis has not replied to
        self._joined: list[tuple[InfoHash, PeerId, int, AddressDigest]] = []
        self._gathering: asyncio.TimerHandle | None = None
        self._numbers = count(1)
        self._probe: tuple[int, asyncio.Future[None]] | None = None
        self._subscription = Subscription(redis, relay_channel(self._me), settings, self._received)
        self.latency_s: float | None = None  # of the last probe; None: it did not arrive
        metrics.gauge(
            "tracker_relay_seconds",
            "Time of a message through Redis to this process itself; NaN: it does not arrive.",
            lambda: math.nan if self.latency_s is None else self.latency_s,
        )

    @property
    def up(self) -> bool:
        """Whether others can reach us: subscribed, and the last probe arrived."""
        return self._subscription.up and self.latency_s is not None

    def start(self) -> None:
        """Begin to listen, and go on doing so until `close`."""
        self._subscription.start()

    async def wait_up(self) -> None:
        """Return once we listen: who gives a sign of life before is found dead at once."""
        await self._subscription.wait_up()

    async def close(self) -> None:
        """Close; what is on its way is lost."""
        if self._gathering is not None:
            self._gathering.cancel()
        await self._subscription.close()

    # -- out -----------------------------------------------------------------------------------

    def offer(self, frontend: FrontendId, offer: Offer, in_vain: InVain) -> bool:
        """As `tracker.service.ports.Relay` tells."""
        if frontend == self._me:
            return self._deliver(offer) is Delivery.DONE
        if frontend not in self._frontends.alive:  # lost since the taker was picked
            self._relayed["offer", "gone"] += 1
            return False
        outbox = self._put(frontend, encode_offer(offer))
        if outbox is None:
            self._relayed["offer", "full"] += 1
            return False
        outbox.in_vain.append(in_vain)
        return True

    def answer(self, frontend: FrontendId, answer: Answer) -> bool:
        """As `tracker.service.ports.Relay` tells."""
        if frontend == self._me:
            return self._sockets.answer(answer)
        outbox = self._put(frontend, encode_answer(answer))
        if outbox is None:
            self._relayed["answer", "full"] += 1
            return False
        outbox.answers += 1
        return True

    def joined(self, info_hash: InfoHash, peer_id: PeerId, opened_us: int, address: bytes) -> None:
        """As `tracker.service.ports.Relay` tells."""
        self._joined.append((info_hash, peer_id, opened_us, address_digest(address)))
        if len(self._joined) >= MOST_JOINED:
            self._report_joined()
        elif self._gathering is None:
            others = len(list(self._frontends))
            self._gathering = self._loop.call_later(GATHER_S * others, self._report_joined)

    def _report_joined(self) -> None:
        """Send the browsers that joined to all others, in a frame of its own (and version)."""
        if self._gathering is not None:
            self._gathering.cancel()
            self._gathering = None
        moved, self._joined = self._joined, []
        packed = encode_moved(Moved(moved))
        for frontend in self._frontends:
            if self._on_way + len(packed) > self._max_bytes:
                self._relayed["moved", "full"] += len(moved)
                continue
            outbox = Outbox()
            outbox.items.append(packed)
            outbox.size = len(packed)
            outbox.moved = len(moved)
            self._on_way += outbox.size
            self._send(frontend, outbox)

    def _put(self, frontend: FrontendId, item: Packed) -> Outbox | None:
        """Add an item to what goes to a frontend; None: too much is on its way."""
        size = len(item)
        if self._on_way + size > self._max_bytes:
            return None
        outbox = self._outboxes.get(frontend)
        if outbox is not None and (
            outbox.size + size > MAX_FRAME or len(outbox.items) == MAX_ITEMS
        ):
            self._send(frontend, outbox)
            outbox = None
        if outbox is None:
            if not self._outboxes:
                self._loop.call_soon(self._flush)
            outbox = self._outboxes[frontend] = Outbox()
        self._on_way += size
        outbox.size += size
        outbox.items.append(item)
        return outbox

    def _flush(self) -> None:
        """At the end of a turn of the loop: send all that it brought."""
        outboxes, self._outboxes = self._outboxes, {}
        for frontend, outbox in outboxes.items():
            self._send(frontend, outbox)

    def _send(self, frontend: FrontendId, outbox: Outbox) -> None:
        done = partial(self._sent, frontend, outbox)
        try:
            version = VERSION_OF_MOVED if outbox.moved else VERSION
            self._publish(frontend, outbox.items, done, version)
        except Unavailable as error:
            done(error)

    def _publish(
        self, frontend: FrontendId, items: Sequence[Packed], done: Done, version: int = VERSION
    ) -> None:
        channel = relay_channel(frontend)
        frame = encode_frame(self._me, items, version)
        commands = publish(self._redis.primary(channel), channel, frame)
        self._redis.submit(channel, commands, 1, done)

    def _sent(
        self, frontend: FrontendId, outbox: Outbox, result: list[Reply] | Unavailable
    ) -> None:
        self._on_way -= outbox.size
        if isinstance(result, Unavailable):
            self._count(outbox, "unavailable")
        elif result == [0]:
            self._count(outbox, "gone")
            self._unreachable(frontend, outbox)
        else:
            self._count(outbox, "sent")

    def _unreachable(self, frontend: FrontendId, outbox: Outbox) -> None:
        """Nobody listens: that frontend is dead, or hears nothing."""
        if frontend in self._frontends.alive:
            log.warning("relay.unreachable", frontend=frontend.hex())
            self._frontends.lost(frontend)
        for in_vain in outbox.in_vain:
            in_vain()

    def _count(self, outbox: Outbox, outcome: str) -> None:
        numbers = len(outbox.in_vain), outbox.answers, outbox.moved
        for kind, number in zip(("offer", "answer", "moved"), numbers, strict=True):
            if number:
                self._relayed[kind, outcome] += number

    # -- in ------------------------------------------------------------------------------------

    def _received(self, data: bytes) -> None:
        try:
            sender, items = decode_frame(data, self._max_text)
        except Malformed as error:
            self._reject(error, len(data))
            return
        self._frontends.heard(sender)
        for item in items:
            if isinstance(item, Offer):
                self._deliver(item)
            elif isinstance(item, Answer):
                self._sockets.answer(item)
            elif isinstance(item, Moved):
                self._let_go(item)
            else:
                self._arrived(item)

    def _reject(self, error: Malformed, size: int) -> None:
        """Count a frame that cannot be used, and log one once in a while."""
        self._relayed["frame", error.label] += 1
        now = time.monotonic()
        if now - self._logged_at >= LOG_EVERY_S:
            self._logged_at = now
            channel = relay_channel(self._me).decode("latin-1")
            log.warning("relay.rejected", channel=channel, bytes=size, error=error.reason)

    def _deliver(self, offer: Offer) -> Delivery:
        delivery = self._sockets.offer(offer)
        if delivery is Delivery.GONE:
            self._gone(offer.info_hash, offer.to_peer_id)
        return delivery

    def _let_go(self, moved: Moved) -> None:
        for info_hash, peer_id, opened_us, address in moved.members:
            if self._sockets.moved(info_hash, peer_id, opened_us, address):
                self._gone(info_hash, peer_id)

    # -- probe ---------------------------------------------------------------------------------

    async def probe(self) -> None:
        """Send a message to this frontend itself; if it does not arrive, listen anew.

        Raises:
            Unavailable: Redis did not take it.
        """
        number, arrival = next(self._numbers), self._loop.create_future()
        self._probe = number, arrival
        packed = encode_probe(Probe(number))
        began = time.monotonic()
        try:
            async with asyncio.timeout(self._timeout_s):
                await asked(lambda done: self._publish(self._me, [packed], done))
                await arrival
        except TimeoutError:
            self.latency_s = None
            self._relayed["probe", "lost"] += 1
            log.warning("relay.deaf", timeout_s=self._timeout_s)
            self._subscription.renew()
        except Unavailable:
            self.latency_s = None
            raise
        else:
            self.latency_s = time.monotonic() - began

    def _arrived(self, probe: Probe) -> None:
        if self._probe is not None:
            number, arrival = self._probe
            if probe.number == number and not arrival.done():
                arrival.set_result(None)
