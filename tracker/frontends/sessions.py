"""The browsers on this frontend: which socket is whose, and which offers may be answered.

Offers and answers come from the relay, whichever frontend they began at.
"""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from itertools import count

from tracker.metrics import Metrics
from tracker.model import Answer, FrontendId, InfoHash, Json, Offer, PeerId
from tracker.wire.websocket import encode_answer, encode_id, encode_offer

HASH_END = 20  # where a membership's info_hash ends and its peer_id begins


def clock_us() -> int:
    """Unix time in microseconds."""
    return time.time_ns() // 1000


class Session(ABC):
    """One browser's socket, as relaying sees it. Made by the socket's protocol object."""

    __slots__ = ("members", "number", "pending")

    def __init__(self) -> None:
        # Empty ones are not made: most sockets of a large frontend are idle.
        self.members: dict[bytes, int] | None = None  # info_hash + peer_id -> joined at, Unix µs
        self.pending: dict[bytes, tuple[FrontendId, int]] | None = None
        self.number = 0

    @abstractmethod
    def send(self, message: bytes) -> None:
        """Send a text message; never waits."""


class Sessions:
    """All sessions of this process. Fits `tracker.service.ports.Sockets`."""

    def __init__(
        self, max_pending: int, metrics: Metrics, clock_us: Callable[[], int] = clock_us
    ) -> None:
        self._max_pending = max_pending
        self._clock_us = clock_us
        self._relayed = metrics.relayed
        self._numbers = count(1)
        self._by_number: dict[int, Session] = {}
        self._by_member: dict[bytes, Session] = {}

    def __len__(self) -> int:
        return len(self._by_number)

    def __iter__(self) -> Iterator[Session]:
        """Those that are open now."""
        return iter(list(self._by_number.values()))

    # -- sockets come and go -------------------------------------------------------------------

    def open(self, session: Session) -> None:
        """Give a new session its number."""
        session.number = next(self._numbers)
        self._by_number[session.number] = session

    def close(self, session: Session) -> list[tuple[InfoHash, PeerId]]:
        """Forget a session; returns the memberships that end with it.

        Those that a newer socket took over are not among them.
        """
        self._by_number.pop(session.number, None)
        members = session.members or ()
        session.members = session.pending = None
        for member in members:
            del self._by_member[member]
        return [(member[:HASH_END], member[HASH_END:]) for member in members]

    def join(self, session: Session, info_hash: InfoHash, peer_id: PeerId) -> int | None:
        """The newest socket of a peer_id is the one: a reconnected browser is found at once.

        Returns:
            The Unix time, in microseconds, that tells it from others; None: it is in already.
        """
        member = info_hash + peer_id
        before = self._by_member.get(member)
        if before is session:
            return None
        if before is not None and before.members is not None:
            del before.members[member]
        self._by_member[member] = session
        if session.members is None:
            session.members = {}
        at_us = session.members[member] = self._clock_us()
        return at_us

    def moved(self, info_hash: InfoHash, peer_id: PeerId, at_us: int) -> bool:
        """A socket on another frontend takes a membership over, if it is the newer one.

        False: it was not here, or stays.
        """
        member = info_hash + peer_id
        session = self._by_member.get(member)
        if session is None or session.members is None or session.members[member] >= at_us:
            return False
        del self._by_member[member], session.members[member]
        self._relayed["moved", "delivered"] += 1
        return True

    def quit(self, session: Session, info_hash: InfoHash, peer_id: PeerId) -> bool:
        """End a membership; False: it is not this session's (any more)."""
        member = info_hash + peer_id
        if session.members is None or member not in session.members:
            return False
        del self._by_member[member], session.members[member]
        return True

    # -- offers and answers --------------------------------------------------------------------

    def offer(self, offer: Offer) -> bool:
        """Deliver an offer to a browser here, and remember that it may be answered."""
        session = self._by_member.get(offer.info_hash + offer.to_peer_id)
        if session is None:
            self._relayed["offer", "gone"] += 1
            return False
        self._remember(session, offer)
        peer_id, info_hash = encode_id(offer.peer_id), encode_id(offer.info_hash)
        session.send(encode_offer(offer.offer, offer.offer_id, peer_id, info_hash))
        self._relayed["offer", "delivered"] += 1
        return True

    def answer(self, answer: Answer) -> bool:
        """Deliver an answer to the socket whose offer it answers."""
        session = self._by_number.get(answer.session)
        if session is None:
            self._relayed["answer", "gone"] += 1
            return False
        peer_id, info_hash = encode_id(answer.peer_id), encode_id(answer.info_hash)
        session.send(encode_answer(answer.answer, answer.offer_id, peer_id, info_hash))
        self._relayed["answer", "delivered"] += 1
        return True

    def return_address(
        self, session: Session, info_hash: InfoHash, to_peer_id: PeerId, offer_id: Json
    ) -> tuple[FrontendId, int] | None:
        """Where the answer to an offer goes, once; None: no such offer waits for one."""
        if session.pending is None:
            return None
        return session.pending.pop(info_hash + to_peer_id + offer_id, None)

    def _remember(self, session: Session, offer: Offer) -> None:
        pending = session.pending
        if pending is None:
            pending = session.pending = {}
        elif len(pending) >= self._max_pending:
            del pending[next(iter(pending))]  # the oldest
        pending[offer.info_hash + offer.peer_id + offer.offer_id] = offer.frontend, offer.session
