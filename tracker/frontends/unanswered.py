"""The offers that each browser of this process received, and may answer.

They stay for a while after the answer, for further answers and ICE candidates (RFC 8838).
"""

from collections import Counter
from collections.abc import Callable
from itertools import islice

from tracker.errors import Denied
from tracker.frontends.session import Answerable, Session
from tracker.metrics import Metrics
from tracker.model import Offer
from tracker.policy.accounts import Rate
from tracker.policy.offers import OfferBudget, Shares
from tracker.service.ports import Delivery
from tracker.settings import WsSettings

# Bytes that one offer in `Session.answerable` occupies, measured, with a part of the socket's
# `Shares`.
ANSWERABLE_SIZE = 360
ROOM_STEP = 16  # offers that memory is counted for at once
# Part of `ws.max_pending` that is forgotten at once: finding the source with the most offers looks
# at all of them, which would cost too much for each offer of a flood.
FORGOTTEN_PART = 32
# An answer may come this long after its offer: clients abandon an offer after 50 s, and a
# message may wait for a slow socket at both ends.
ANSWERABLE_S = 120.0
# Candidates may follow this long after an answer: most connections are made within a few seconds.
SETTLING_S = 30.0
NOT_WAITING = "no such offer is waiting for an answer"
# Bytes of an answer or candidate that count as another one. All replies to one offer take at most
# about half of the room that a slow offerer's socket has for relayed messages, so that the replies
# of other browsers find room.
LARGE = 1024


def key_of(info_hash: bytes, offerer: bytes, recipient: bytes, offer_id: bytes) -> int:
    """Return the key of an offer in `Session.answerable`.

    It is a hash, which takes less memory than the 80 bytes. Python's is keyed at random for each
    process, so a client cannot make two keys equal.
    """
    return hash(info_hash + offerer + recipient + offer_id)


class Unanswered:
    """The offers of all sockets.

    Args:
        settings: their limits.
        metrics: count what is refused.
        clock: monotonic seconds.
    """

    def __init__(self, settings: WsSettings, metrics: Metrics, clock: Callable[[], float]) -> None:
        self._most = settings.max_pending
        self._most_signals = settings.max_signals
        self._reserved = settings.max_signals // 2  # for the recipient; its answer may be large
        self._budget = OfferBudget(
            Rate(settings.offers_per_second, settings.offers_burst),
            settings.offer_bytes_per_second,
        )
        self._clock = clock
        self._relayed = metrics.relayed
        self._refused = metrics.refused

    def admit(self, session: Session, offer: Offer, cell: int) -> bool:
        """Decide whether a browser gets an offer, and remember that it may answer it.

        Args:
            session: of the recipient.
            cell: of the source of the offer.

        Returns:
            False, and counted: the offer is over a budget.
        """
        now = self._clock()
        spent_until = self._spend(session, len(offer.sdp), cell, now)
        if spent_until is None:
            self._relayed["offer", "flood"] += 1
            return False
        if not self._remember(session, offer, cell, now):
            return False
        session.offers_spent_until = spent_until
        return True

    def reply(self, session: Session, key: int, size: int, *, answers: bool) -> Answerable | None:
        """Return where a reply of the recipient of an offer goes; None: it got no such offer.

        Args:
            session: of the recipient.
            key: see `key_of`.
            size: bytes of the reply.
            answers: whether it is an answer, after which fewer replies follow.

        Raises:
            Denied: it has replied too often, or too late.
        """
        if session.answerable is None or key not in session.answerable:
            return None
        now = self._clock()
        found = self._find(session, key, size, now)
        if found is None:
            raise Denied(NOT_WAITING)
        if answers:
            found.until = min(found.until, now + SETTLING_S)
        return found

    def from_offerer(self, session: Session, key: int, size: int, address: bytes) -> Delivery:
        """Decide whether the recipient of an offer gets a candidate of the offerer.

        Arguments as of `reply`; `address` is the digest of the sender's address.
        """
        known = session.answerable and session.answerable.get(key)
        if not known or known.address != address:
            return Delivery.GONE
        now = self._clock()
        if known.left <= self._reserved or self._find(session, key, size, now) is None:
            return Delivery.DROPPED
        spent_until = self._spend(session, size, known.cell, now)
        if spent_until is None:
            return Delivery.DROPPED
        session.offers_spent_until = spent_until
        return Delivery.DONE

    def forget(self, session: Session) -> None:
        """Forget the offers of a socket that can no longer be answered, and their memory."""
        if session.room:
            now = self._clock()
            answerable = session.answerable or {}
            for key in [key for key, each in answerable.items() if each.until <= now]:
                del answerable[key]
            self._set_room(session, -(-len(answerable) // ROOM_STEP) * ROOM_STEP)
        if not session.room:
            session.answerable = session.shares = None

    def close(self, session: Session) -> None:
        """Forget all offers of a socket that closed."""
        session.answerable = session.shares = None
        self._set_room(session, 0)

    def _spend(self, session: Session, size: int, cell: int, now: float) -> float | None:
        """Return until when a budget is spent after an offer; None, and counted: it is over."""
        shares = session.shares
        if shares is None:
            shares = session.shares = Shares()
        spent_until = self._budget.spend(session.offers_spent_until, size, now, shares, cell)
        if spent_until is None:
            self._refused["offers", "socket"] += 1
        return spent_until

    def _find(self, session: Session, key: int, size: int, now: float) -> Answerable | None:
        """Return an offer that can still be replied to, and count the reply."""
        found = session.answerable and session.answerable.get(key)
        if not found or found.until <= now:
            return None
        found.left -= 1 + size // LARGE
        if found.left < 0:
            self._refused["signals", "socket"] += 1
            return None
        return found

    def _remember(self, session: Session, offer: Offer, cell: int, now: float) -> bool:
        """Remember that an offer may be answered; False, and counted: that is not possible."""
        answerable = session.answerable
        if answerable is None:
            answerable = session.answerable = {}
        key = key_of(offer.info_hash, offer.peer_id, offer.to_peer_id, offer.offer_id)
        known = answerable.get(key)
        if known is not None:
            if known.until > now and known.address != offer.address:
                self._relayed["offer", "duplicate"] += 1  # answers go to who offered first
                return False
            del answerable[key]
        elif len(answerable) >= session.room and not self._make_room(session, answerable, now):
            self._relayed["offer", "memory"] += 1
            return False
        answerable[key] = Answerable(
            offer.frontend,
            offer.session,
            offer.address,
            cell,
            now + ANSWERABLE_S,
            self._most_signals,
        )
        return True

    def _make_room(self, session: Session, answerable: dict[int, Answerable], now: float) -> bool:
        """Make room for another offer."""
        while answerable and answerable[oldest := next(iter(answerable))].until <= now:
            del answerable[oldest]
        if len(answerable) < session.room:
            return True
        if session.room == self._most:
            self._forget_some(answerable)
            return True
        return self._set_room(session, session.room + ROOM_STEP)

    def _forget_some(self, answerable: dict[int, Answerable]) -> None:
        """Forget the oldest offers of the source that has the most."""
        ((largest, number),) = Counter(each.cell for each in answerable.values()).most_common(1)
        most = min(number, max(1, self._most // FORGOTTEN_PART))
        keys = (key for key, each in answerable.items() if each.cell == largest)
        self._refused["offers", "socket"] += most
        for key in list(islice(keys, most)):
            del answerable[key]

    def _set_room(self, session: Session, room: int) -> bool:
        """Count memory for that many offers; False: there is none."""
        more = min(room, self._most) - session.room
        if more > 0 and not session.hold(ANSWERABLE_SIZE * more):
            return False
        if more < 0:
            session.release(ANSWERABLE_SIZE * -more)
        session.room += more
        return True
