"""The relay: offers, answers and candidates to other frontends, by pub/sub, a channel for each.

What one turn of the loop has for a frontend goes out as one frame. Nobody is waited for: what is
on its way is bounded in bytes, and lost when Redis fails. A frame that nobody listens to tells
that its frontend is gone; its offers go on to other takers.
"""

import asyncio
import math
import time
from collections.abc import Sequence
from functools import partial
from itertools import count

import structlog
from msgspec.structs import replace

from tracker.errors import Malformed, TrackerError, Unavailable
from tracker.metrics import Metrics
from tracker.model import ANSWER, AddressDigest, FrontendId, InfoHash, Offer, PeerId, Signal
from tracker.service.ports import Delivery, Frontends, InVain, Sockets
from tracker.settings import RedisSettings
from tracker.store.keys import relay_channel
from tracker.store.link import Done, Reply
from tracker.store.pipeline import asked
from tracker.store.subscription import Subscription, publish
from tracker.store.topology import Redis
from tracker.store.whereabouts import Entries, Whereabouts
from tracker.wire.relay import (
    MAX_FRAME,
    MAX_ITEMS,
    MEMBER_SIZE,
    Moved,
    Packed,
    Probe,
    address_digest,
    decode_frame,
    encode_frame,
    encode_moved,
    encode_offer,
    encode_probe,
    encode_signal,
)

log = structlog.get_logger()

# How long browsers that joined are gathered, for each other frontend: each must hear of them, and
# so none sends or gets more than a hundred such frames a second, however many there are.
GATHER_S = 0.01
MOST_JOINED = MAX_FRAME // MEMBER_SIZE  # browsers; more are reported at once
SIGNAL_SIZE = 800  # bytes of the objects that hold a signal while it waits, beside its text
LOG_EVERY_S = 60.0  # frames that are not valid
KINDS = ("offer", "answer", "candidate", "moved")  # of items, as metrics name them
FINAL = ("offer", "moved")  # those that are not sent to another frontend by this module


class Outbox:
    """What goes to one frontend in one frame."""

    __slots__ = ("answer", "candidate", "in_vain", "items", "moved", "offer", "size")

    def __init__(self) -> None:
        self.items: list[Packed] = []
        self.size = 0  # bytes of them
        self.in_vain: list[InVain] = []  # of each item that may go elsewhere
        self.offer = self.answer = self.candidate = self.moved = 0  # how many of each


class RedisRelay:
    """Fits `tracker.service.ports.Relay`.

    Args:
        redis: where the channels are.
        settings: its times.
        frontends: who can be reached.
        sockets: the browsers of this frontend.
        entries: of the browsers in swarms.
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
        entries: Entries,
        metrics: Metrics,
        max_bytes: int,
        max_text: int,
    ) -> None:
        self._redis = redis
        self._timeout_s = settings.timeout
        self._frontends = frontends
        self._me = frontends.me
        self._sockets = sockets
        self._entries = entries
        self._relayed = metrics.relayed
        self._max_bytes = max_bytes
        self._max_text = max_text
        self._logged_at = -math.inf
        self._loop = asyncio.get_running_loop()
        self._whereabouts = Whereabouts(entries, self._loop.time, self._loop.call_later)
        self._outboxes: dict[FrontendId, Outbox] = {}
        # Bytes in outboxes, of frames that Redis has not replied to, and of signals to browsers
        # that are being looked up.
        self._on_way = 0
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
        if frontend in self._frontends.dead:  # found since the taker was picked
            self._relayed["offer", "gone"] += 1
            return False
        outbox = self._put(frontend, encode_offer(offer))
        if outbox is None:
            self._relayed["offer", "full"] += 1
            return False
        outbox.offer += 1
        outbox.in_vain.append(in_vain)
        return True

    def signal(self, frontend: FrontendId | None, signal: Signal) -> None:
        """As `tracker.service.ports.Relay` tells."""
        if frontend is None or frontend in self._frontends.dead:
            self._seek(signal)
        elif frontend == self._me:
            self._deliver_signal(signal)
        else:
            self._put_signal(frontend, signal, partial(self._seek, signal))

    def _put_signal(
        self, frontend: FrontendId, signal: Signal, in_vain: InVain | None = None
    ) -> None:
        outbox = self._put(frontend, encode_signal(signal))
        if outbox is None:
            self._relayed[signal.name, "full"] += 1
            return
        if signal.kind is ANSWER:
            outbox.answer += 1
        else:
            outbox.candidate += 1
        if in_vain is not None:
            outbox.in_vain.append(in_vain)

    def _seek(self, signal: Signal) -> None:
        """Look for the browser that an answer or candidate is for: its socket is gone, or unknown.

        A browser that reconnects keeps its offers. Its entry in the swarm names its frontend.
        """
        size = SIGNAL_SIZE + len(signal.text)
        if self._on_way + size > self._max_bytes:
            self._relayed[signal.name, "full"] += 1
            return
        self._on_way += size
        found = partial(self._found, replace(signal, session=0))
        self._whereabouts.find(signal.info_hash, signal.to_peer_id, found)

    def _found(self, signal: Signal, frontends: list[FrontendId] | TrackerError) -> None:
        """Send an answer or candidate to where the browser is; several may have its peer_id."""
        self._on_way -= SIGNAL_SIZE + len(signal.text)
        if isinstance(frontends, TrackerError):
            self._relayed[signal.name, frontends.label] += 1
            return
        if not frontends:
            self._relayed[signal.name, "gone"] += 1
        for frontend in frontends:
            if frontend == self._me:
                self._deliver_signal(signal)
            else:
                self._put_signal(frontend, signal)

    def joined(self, info_hash: InfoHash, peer_id: PeerId, opened_us: int, address: bytes) -> None:
        """As `tracker.service.ports.Relay` tells."""
        self._whereabouts.forget(info_hash, peer_id)
        self._joined.append((info_hash, peer_id, opened_us, address_digest(address)))
        if len(self._joined) >= MOST_JOINED:
            self._report_joined()
        elif self._gathering is None:
            others = len(list(self._frontends))
            self._gathering = self._loop.call_later(GATHER_S * others, self._report_joined)

    def _report_joined(self) -> None:
        """Send the browsers that joined to all others."""
        if self._gathering is not None:
            self._gathering.cancel()
            self._gathering = None
        moved, self._joined = self._joined, []
        packed = encode_moved(Moved(moved))
        for frontend in self._frontends:
            outbox = self._put(frontend, packed)
            if outbox is None:
                self._relayed["moved", "full"] += len(moved)
            else:
                outbox.moved += len(moved)

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
            self._publish(frontend, outbox.items, done)
        except Unavailable as error:
            done(error)

    def _publish(self, frontend: FrontendId, items: Sequence[Packed], done: Done) -> None:
        channel = relay_channel(frontend)
        frame = encode_frame(self._me, items)
        commands = publish(self._redis.primary(channel), channel, frame)
        self._redis.submit(channel, commands, 1, done)

    def _sent(
        self, frontend: FrontendId, outbox: Outbox, result: list[Reply] | Unavailable
    ) -> None:
        self._on_way -= outbox.size
        if isinstance(result, Unavailable):
            self._count(outbox, "unavailable")
        elif result == [0]:
            self._count(outbox, "gone", FINAL)
            self._unreachable(frontend, outbox)
        else:
            self._count(outbox, "sent")

    def _unreachable(self, frontend: FrontendId, outbox: Outbox) -> None:
        """Nobody listens: that frontend is dead, or hears nothing."""
        if frontend not in self._frontends.dead:
            log.warning("relay.unreachable", frontend=frontend.hex())
            self._frontends.lost(frontend)
        for in_vain in outbox.in_vain:
            in_vain()

    def _count(self, outbox: Outbox, outcome: str, kinds: Sequence[str] = KINDS) -> None:
        for kind in kinds:
            if number := getattr(outbox, kind):
                self._relayed[kind, outcome] += number

    async def greet(self, frontends: Sequence[FrontendId]) -> None:
        """Make this frontend known to others: they hear its id in a frame without items.

        Returns once Redis has passed the frames on.

        Raises:
            Unavailable: Redis did not take one.
        """
        asks = [partial(self._publish, frontend, []) for frontend in frontends]
        await asyncio.gather(*map(asked, asks))

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
            elif isinstance(item, Signal):
                self._deliver_signal(item)
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
            self._entries.leave(offer.info_hash, offer.to_peer_id)
        return delivery

    def _deliver_signal(self, signal: Signal) -> None:
        if self._sockets.signal(signal):
            return
        if signal.session:
            self._seek(signal)
        else:
            self._relayed[signal.name, "gone"] += 1

    def _let_go(self, moved: Moved) -> None:
        for info_hash, peer_id, opened_us, address in moved.members:
            self._whereabouts.forget(info_hash, peer_id)
            if self._sockets.moved(info_hash, peer_id, opened_us, address):
                self._entries.leave(info_hash, peer_id)

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
            await asked(lambda done: self._publish(self._me, [packed], done))
            async with asyncio.timeout(self._timeout_s):
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
