"""The browsers' sockets of this process: their entries in swarms, and the offers they may answer.

Offers and answers come from the relay, whichever frontend they began at.
"""

import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice
from typing import TypeAlias

from tracker.clock import steady_us
from tracker.errors import Denied
from tracker.metrics import Metrics
from tracker.model import Answer, FrontendId, InfoHash, Json, Offer, PeerId
from tracker.policy.accounts import NEVER, Account, Rate
from tracker.policy.offers import OfferBudget, Shares, cell_of
from tracker.policy.ownership import Claim, Owners
from tracker.service.ports import Delivery
from tracker.settings import WsSettings
from tracker.wire.relay import address_digest
from tracker.wire.websocket import encode_answer, encode_id, encode_offer

# Unanswered offers: info_hash + offerer's peer_id + recipient's peer_id + offer_id -> frontend and
# number of the offerer's socket, time until which an answer is accepted, cell of the source.
Pending: TypeAlias = dict[bytes, tuple[FrontendId, int, float, int]]

# Bytes that one unanswered offer occupies, measured, with a part of the socket's `Shares`.
PENDING_SIZE = 380
ENTRY_SIZE = 300  # bytes that an entry, or waiting for one, occupies; measured
ROOM_STEP = 16  # unanswered offers that memory is counted for at once
# Part of `ws.max_pending` that is forgotten at once: finding the source with the most unanswered
# offers looks at all of them, which would cost too much for each offer of a flood.
FORGOTTEN_PART = 32
# An answer may come this long after its offer: clients abandon an offer after 50 s, and a
# message may wait for a slow socket at both ends.
ANSWERABLE_S = 120.0
# Another claim to the same entry within this time does not ask the owner's socket for a sign of
# life again.
CHALLENGE_EVERY_S = 5.0


class Session(ABC):
    """One browser's socket, as relaying sees it. Made by the socket's protocol object."""

    __slots__ = ("account", "members", "number", "offers_spent_until", "pending", "room", "shares")

    def __init__(self, account: Account) -> None:
        self.account = account  # of the client's address
        # Empty ones are not made: most sockets of a large frontend are idle.
        self.members: dict[InfoHash, PeerId] | None = None
        self.pending: Pending | None = None
        self.shares: Shares | None = None
        self.room = 0  # unanswered offers that memory is counted for
        self.number = 0
        self.offers_spent_until = NEVER

    @abstractmethod
    def send(self, message: bytes) -> None:
        """Send a text message; never waits."""

    def takes(self, size: int) -> bool:
        """Return whether a relayed message of `size` bytes may be sent to the browser now.

        What others send must not fill the buffer of a slow browser: then it would be cut.
        """
        return True

    @abstractmethod
    def challenge(self) -> None:
        """Ask the browser for a sign of life; close the socket soon if none comes."""

    def hold(self, size: int, budget: str = "memory") -> bool:
        """Count memory that this socket makes the process hold; False: there is no room.

        Args:
            size: bytes.
            budget: the name under which a refusal is counted.
        """
        return True

    def spend(self, units: int) -> None:  # noqa: B027 - only sockets of clients are limited
        """Charge work beyond the frame that asked for it: offers, info_hashes of a scrape."""

    def release(self, size: int) -> None:  # noqa: B027 - most sockets have nothing to count
        """Count memory that the process no longer holds for this socket."""


class Sessions:
    """All sessions of this process. Fits `tracker.service.ports.Sockets`.

    Args:
        settings: limits of the sockets.
        metrics: count what is relayed and refused.
        clock: monotonic seconds.
        clock_us: Unix time of this machine in microseconds, by which sessions are numbered.
        shared_us: returns the time of Redis at a time of `clock_us`, in microseconds.
    """

    def __init__(
        self,
        settings: WsSettings,
        metrics: Metrics,
        clock: Callable[[], float] = time.monotonic,
        clock_us: Callable[[], int] = steady_us,
        shared_us: Callable[[int], int] = int,
    ) -> None:
        self._max_pending = settings.max_pending
        self._budget = OfferBudget(
            Rate(settings.offers_per_second, settings.offers_burst),
            settings.offer_bytes_per_second,
        )
        self._clock = clock
        self._clock_us = clock_us
        self._shared_us = shared_us
        self._relayed = metrics.relayed
        self._refused = metrics.refused
        self._last_number = 0
        self._by_number: dict[int, Session] = {}
        self._owners: Owners[Session] = Owners()
        self._challenged: set[int] = set()  # numbers, since `_challenged_at`
        self._challenged_at = NEVER

    def __len__(self) -> int:
        return len(self._by_number)

    def __iter__(self) -> Iterator[Session]:
        """Those that are open now."""
        return iter(list(self._by_number.values()))

    # -- sockets come and go -------------------------------------------------------------------

    def open(self, session: Session) -> None:
        """Number a new session by this machine's Unix time in microseconds.

        A newer session of this process has a larger number. Numbers of two processes cannot be
        compared, since the clocks of their machines may differ: see `opened_us`.
        """
        session.number = self._last_number = max(self._last_number + 1, self._clock_us())
        self._by_number[session.number] = session

    def opened_us(self, session: Session) -> int:
        """Return when a session was opened, by the clock of Redis; Unix microseconds.

        All frontends compare the ages of sockets by this time. It is computed at each call, so it
        is right for sessions that were opened before the time of Redis was known, too.
        """
        return self._shared_us(session.number)

    def close(self, session: Session) -> list[tuple[InfoHash, PeerId]]:
        """Forget a session; return the entries that end with it.

        An entry that another socket took over or inherits does not end.
        """
        self._by_number.pop(session.number, None)
        members = session.members or {}
        session.members = session.pending = session.shares = None
        self._set_room(session, 0)
        return [
            (info_hash, peer_id)
            for info_hash, peer_id in members.items()
            if self._owners.release(session, info_hash + peer_id)
        ]

    def claim(self, session: Session, info_hash: InfoHash, peer_id: PeerId) -> Claim:
        """Decide whether a session may take the entry of a peer_id; changes nothing.

        Raises:
            Denied: the session has another peer_id in this swarm.
        """
        known = session.members and session.members.get(info_hash)
        if known and known != peer_id:
            self._refused["identity", "socket"] += 1
            raise Denied("this connection has another peer_id in this swarm")
        return self._owners.claim(session, info_hash + peer_id)

    def join(self, session: Session, info_hash: InfoHash, peer_id: PeerId) -> None:
        """Take an entry that `claim` found free: a browser that reconnected is found at once."""
        before = self._owners.take(session, info_hash + peer_id)
        if before is not None and before.members is not None:
            del before.members[info_hash]
            before.release(ENTRY_SIZE)
        self._add(session, info_hash, peer_id)

    def wait(self, session: Session, info_hash: InfoHash, peer_id: PeerId) -> None:
        """Wait for an entry that `claim` found taken, and check that its owner is alive."""
        self._refused["identity", "socket"] += 1
        member = info_hash + peer_id
        self._owners.wait(session, member)
        self._add(session, info_hash, peer_id)
        owner = self._owners.get(member)
        if owner is not None:
            self._challenge(owner)

    def moved(self, info_hash: InfoHash, peer_id: PeerId, opened_us: int, address: bytes) -> bool:
        """Give up an entry that a newer socket of the same address has on another frontend.

        An owner of another address keeps its entry if it is alive.

        Args:
            opened_us: when the other socket was opened, as `opened_us` returns it there.
            address: its `tracker.wire.relay.address_digest`.

        Returns:
            Whether an entry of this frontend ends.
        """
        member = info_hash + peer_id
        session = self._owners.get(member)
        if session is None or session.members is None:
            return False
        if address_digest(session.account.key) != address:
            self._relayed["moved", "refused"] += 1
            self._challenge(session)
            return False
        if self.opened_us(session) >= opened_us:
            return False
        del session.members[info_hash]
        session.release(ENTRY_SIZE)
        self._relayed["moved", "delivered"] += 1
        return self._owners.release(session, member)

    def owns_alone(self, session: Session, info_hash: InfoHash, peer_id: PeerId) -> bool:
        """Return whether an entry would end with this session."""
        return self._owners.owns_alone(session, info_hash + peer_id)

    def quit(self, session: Session, info_hash: InfoHash, peer_id: PeerId) -> None:
        """End what a session has of an entry, or waits for."""
        if session.members is not None and session.members.get(info_hash) == peer_id:
            del session.members[info_hash]
            session.release(ENTRY_SIZE)
            self._owners.release(session, info_hash + peer_id)

    def _add(self, session: Session, info_hash: InfoHash, peer_id: PeerId) -> None:
        if session.members is None:
            session.members = {}
        session.members[info_hash] = peer_id

    def _challenge(self, session: Session) -> None:
        now = self._clock()
        if now - self._challenged_at >= CHALLENGE_EVERY_S:
            self._challenged_at = now
            self._challenged.clear()
        if session.number not in self._challenged:
            self._challenged.add(session.number)
            session.challenge()

    # -- offers and answers --------------------------------------------------------------------

    def offer(self, offer: Offer) -> Delivery:
        """Deliver an offer to a browser here, and remember that it may be answered."""
        session = self._owners.get(offer.info_hash + offer.to_peer_id)
        if session is None:
            self._relayed["offer", "gone"] += 1
            return Delivery.GONE
        if not session.takes(len(offer.offer)):
            self._relayed["offer", "slow"] += 1
            return Delivery.DROPPED
        now = self._clock()
        shares = session.shares
        if shares is None:
            shares = session.shares = Shares()
        cell = self._cell(session, offer)
        spent_until = self._budget.spend(
            session.offers_spent_until, len(offer.offer), now, shares, cell
        )
        if spent_until is None:
            self._refused["offers", "socket"] += 1
            self._relayed["offer", "flood"] += 1
            return Delivery.DROPPED
        if not self._remember(session, offer, now, cell):
            return Delivery.DROPPED
        session.offers_spent_until = spent_until
        peer_id, info_hash = encode_id(offer.peer_id), encode_id(offer.info_hash)
        session.send(encode_offer(offer.offer, offer.offer_id, peer_id, info_hash))
        self._relayed["offer", "delivered"] += 1
        return Delivery.DONE

    def answer(self, answer: Answer) -> bool:
        """Deliver an answer to the socket whose offer it answers.

        The frontend that delivered the offer checked that; frontends trust each other.
        """
        session = self._by_number.get(answer.session)
        if session is None:
            self._relayed["answer", "gone"] += 1
            return False
        if not session.takes(len(answer.answer)):
            self._relayed["answer", "slow"] += 1
            return False
        peer_id, info_hash = encode_id(answer.peer_id), encode_id(answer.info_hash)
        session.send(encode_answer(answer.answer, answer.offer_id, peer_id, info_hash))
        self._relayed["answer", "delivered"] += 1
        return True

    def return_address(
        self,
        session: Session,
        info_hash: InfoHash,
        peer_id: PeerId,
        to_peer_id: PeerId,
        offer_id: Json,
    ) -> tuple[FrontendId, int] | None:
        """Return where the answer to an offer goes, once.

        Args:
            session: the socket that answers.
            peer_id: of the browser that answers: the offer must have been sent to it.
            to_peer_id: of the browser that made the offer.

        Returns:
            None if this socket has no such offer to answer.
        """
        if session.pending is None:
            return None
        found = session.pending.pop(info_hash + to_peer_id + peer_id + offer_id, None)
        if found is None:
            return None
        frontend, number, until, _ = found
        return (frontend, number) if self._clock() < until else None

    def forget_unanswered(self, session: Session) -> None:
        """Forget the offers of a session that can no longer be answered, and their memory."""
        if session.room:
            pending = session.pending or {}
            _expire(pending, self._clock())
            self._set_room(session, -(-len(pending) // ROOM_STEP) * ROOM_STEP)
        if not session.room:
            session.pending = session.shares = None

    def _cell(self, session: Session, offer: Offer) -> int:
        """Return the cell of an offer's source: the address of a socket here, or another socket."""
        here = self._by_number.get(offer.session)  # no other frontend's: numbers are microseconds
        source = (offer.frontend, offer.session) if here is None else here.account.key
        return cell_of(source, session.number)

    def _remember(self, session: Session, offer: Offer, now: float, cell: int) -> bool:
        """Remember that an offer may be answered; False, and counted: that is not possible."""
        pending = session.pending
        if pending is None:
            pending = session.pending = {}
        key = offer.info_hash + offer.peer_id + offer.to_peer_id + offer.offer_id
        if key in pending:
            if pending[key][2] > now:  # its answer must go to the socket of the first offer
                self._relayed["offer", "duplicate"] += 1
                return False
            del pending[key]
        elif len(pending) >= session.room and not self._make_room(session, pending, now):
            self._relayed["offer", "memory"] += 1
            return False
        pending[key] = offer.frontend, offer.session, now + ANSWERABLE_S, cell
        return True

    def _make_room(self, session: Session, pending: Pending, now: float) -> bool:
        """Make room for another unanswered offer."""
        _expire(pending, now)
        if len(pending) < session.room:
            return True
        if session.room == self._max_pending:
            self._forget_some(pending)
            return True
        return self._set_room(session, session.room + ROOM_STEP)

    def _forget_some(self, pending: Pending) -> None:
        """Forget the oldest unanswered offers of the source that has the most."""
        ((largest, number),) = Counter(cell for *_, cell in pending.values()).most_common(1)
        most = min(number, max(1, self._max_pending // FORGOTTEN_PART))
        keys = (key for key, (*_, cell) in pending.items() if cell == largest)
        self._refused["offers", "socket"] += most
        for key in list(islice(keys, most)):
            del pending[key]

    def _set_room(self, session: Session, room: int) -> bool:
        """Count memory for that many unanswered offers; False: there is none."""
        more = min(room, self._max_pending) - session.room
        if more > 0 and not session.hold(PENDING_SIZE * more):
            return False
        if more < 0:
            session.release(PENDING_SIZE * -more)
        session.room += more
        return True


def _expire(pending: Pending, now: float) -> None:
    """Remove offers that can no longer be answered."""
    while pending:
        oldest = next(iter(pending))
        if pending[oldest][2] > now:
            return
        del pending[oldest]
