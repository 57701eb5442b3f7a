"""The browsers' sockets of this process: their entries in swarms, and what is delivered to them.

Offers and answers come from the relay, whichever frontend they began at.
"""

import time
from collections.abc import Callable, Iterator
from itertools import islice

from tracker.clock import steady_us
from tracker.errors import Denied
from tracker.frontends.session import Answerable, Session
from tracker.frontends.unanswered import Unanswered, key_of
from tracker.metrics import Metrics
from tracker.model import ANSWER, OFFERER_CANDIDATE, InfoHash, Offer, PeerId, Signal
from tracker.policy.accounts import NEVER
from tracker.policy.offers import cell_of
from tracker.policy.ownership import Claim, Owners
from tracker.service.ports import Delivery
from tracker.settings import WsSettings
from tracker.wire.relay import address_digest
from tracker.wire.websocket import SignalMessage, encode_id, encode_offer, encode_signal

MOST_WAITING = 64  # sockets that wait for an entry, of which one may be the offerer's
ENTRY_SIZE = 300  # bytes that an entry, or waiting for one, occupies; measured
# Another claim to the same entry within this time does not ask the owner's socket for a sign of
# life again.
CHALLENGE_EVERY_S = 5.0


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
        self._reserved = settings.max_buffer // 4  # of what `takes` allows: for answers only
        self._unanswered = Unanswered(settings, metrics, clock)
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
        session.members = None
        self._unanswered.close(session)
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
            before.superseded = True
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
        session.superseded = True
        self._relayed["moved", "delivered"] += 1
        return self._owners.release(session, member)

    def owns_alone(self, session: Session, info_hash: InfoHash, peer_id: PeerId) -> bool:
        """Return whether an entry would end with this session."""
        return self._owners.owns_alone(session, info_hash + peer_id)

    def owned(self, session: Session) -> list[tuple[InfoHash, PeerId]]:
        """Return the entries that a session has."""
        members = session.members or {}
        return [each for each in members.items() if self._owners.get(b"".join(each)) is session]

    def announced(self, session: Session, info_hash: InfoHash, peer_id: PeerId) -> bool:
        """Return whether a session has an entry, or waits for it."""
        return session.members is not None and session.members.get(info_hash) == peer_id

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
        if not session.takes(len(offer.sdp)):
            self._relayed["offer", "slow"] += 1
            return Delivery.DROPPED
        if not self._unanswered.admit(session, offer, self._cell(session, offer)):
            return Delivery.DROPPED
        ids = map(encode_id, (offer.offer_id, offer.peer_id, offer.info_hash))
        session.send(encode_offer(offer.sdp, *ids))
        self._relayed["offer", "delivered"] += 1
        return Delivery.DONE

    def reply_route(self, session: Session, message: SignalMessage) -> Answerable | None:
        """Return where the reply to an offer goes; None if it was not sent to this socket.

        Args:
            session: the socket that replies.
            message: its answer or candidate.

        Raises:
            Denied: it has replied too often, or too late.
        """
        key = key_of(message.info_hash, message.to_peer_id, message.peer_id, message.offer_id)
        answers = message.name == "answer"
        return self._unanswered.reply(session, key, len(message.text), answers=answers)

    def signal(self, signal: Signal) -> bool:
        """Deliver an answer or candidate; False: the browser may be elsewhere.

        The frontend that sent it checked that the offerer made such an offer; frontends trust each
        other.
        """
        member = signal.info_hash + signal.to_peer_id
        owner = self._owners.get(member)
        if signal.kind is OFFERER_CANDIDATE:
            return owner is not None and self._candidate(owner, signal)
        session = self._by_number.get(signal.session)
        if session is not None:
            self._send(session, signal)
            if not session.superseded:
                return True
        for other in (owner, *islice(self._owners.waiting(member), MOST_WAITING)):
            # Another client may have taken the entry meanwhile.
            if other is not None and address_digest(other.account.key) == signal.address:
                if other is not session:
                    self._send(other, signal)
                return True
        return False

    def _candidate(self, session: Session, signal: Signal) -> bool:
        """Deliver the candidate of an offerer; False: the browser did not get that offer."""
        key = key_of(signal.info_hash, signal.peer_id, signal.to_peer_id, signal.offer_id)
        size = len(signal.text)
        delivery = self._unanswered.from_offerer(session, key, size, signal.address)
        if delivery is Delivery.DONE:
            self._send(session, signal)
        return delivery is not Delivery.GONE

    def _send(self, session: Session, signal: Signal) -> None:
        name, size = signal.name, len(signal.text)
        if not session.takes(size if signal.kind is ANSWER else size + self._reserved):
            self._relayed[name, "slow"] += 1
            return
        ids = map(encode_id, (signal.offer_id, signal.peer_id, signal.info_hash))
        session.send(encode_signal(name, signal.text, *ids))
        self._relayed[name, "delivered"] += 1

    def forget_unanswered(self, session: Session) -> None:
        """Forget the offers of a session that can no longer be answered, and their memory."""
        self._unanswered.forget(session)

    def _cell(self, session: Session, offer: Offer) -> int:
        """Return the cell of an offer's source: the address of a socket here, or another socket."""
        here = self._by_number.get(offer.session)  # no other frontend's: numbers are microseconds
        source = (offer.frontend, offer.session) if here is None else here.account.key
        return cell_of(source, session.number)
