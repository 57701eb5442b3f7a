"""The conversation with a browser: WebTorrent's tracker messages, without the socket."""

from collections.abc import Iterable, Iterator
from functools import partial

from msgspec.structs import replace

from tracker.errors import Denied, TrackerError, Unavailable
from tracker.frontends.session import Session
from tracker.frontends.sessions import ENTRY_SIZE, Sessions
from tracker.frontends.unanswered import NOT_WAITING
from tracker.metrics import Metrics
from tracker.model import (
    ANSWER,
    CANDIDATE,
    OFFERER_CANDIDATE,
    AddressDigest,
    BrowserAnnounce,
    BrowserAnnounced,
    Counts,
    Event,
    FrontendId,
    InfoHash,
    Offer,
    PeerId,
    Signal,
)
from tracker.policy.crowds import ENTER, Entry
from tracker.policy.ownership import Claim
from tracker.service.browsers import Browsers
from tracker.service.ports import Relay
from tracker.settings import WsSettings
from tracker.wire.relay import address_digest
from tracker.wire.websocket import (
    AnnounceMessage,
    BadMessage,
    OfferIn,
    ScrapeMessage,
    SignalMessage,
    decode,
    encode_announce_reply,
    encode_error,
    encode_scrape_reply,
)

LARGE = 4096  # bytes of a message that count as much as one frame
RETRY_S = 30  # after which a browser tries again if the fault was ours, and brief
SOUGHT = 2  # units of work to find the browser that a candidate is for, in addition to one
SKIPPED = 32  # offers beyond those that are relayed; they cost as much as one
# Bytes of one socket's announces with offers that wait for Redis: a quarter of the memory that a
# socket may hold. The swarms of a client that announces thousands at once need the rest.
MOST_HELD = 262_144
OFFER_OVERHEAD = 200  # bytes of objects that hold an offer, beside its text; measured


class WebTorrent:
    """Understands messages and answers them on the session that they came from."""

    def __init__(
        self,
        settings: WsSettings,
        browsers: Browsers,
        sessions: Sessions,
        relay: Relay,
        frontend: FrontendId,
        metrics: Metrics,
    ) -> None:
        self._settings = settings
        self._browsers = browsers
        self._sessions = sessions
        self._relay = relay
        self._frontend = frontend
        self._count = metrics.requests
        self._refused = metrics.refused
        self._unusable = metrics.unusable
        self._relayed = metrics.relayed

    def opened(self, session: Session) -> None:
        """A browser connected."""
        self._sessions.open(session)

    def closed(self, session: Session) -> None:
        """A browser's socket is gone: that is `stopped` for all that it announced."""
        ended = self._sessions.close(session)
        if not session.retired:
            self._leave(ended)

    def retire(self, session: Session) -> None:
        """Remove a browser from its swarms, since its socket will be closed soon.

        Offers that are on their way to it are still delivered, and it may answer them.
        """
        session.retired = True
        self._leave(self._sessions.owned(session))

    def _leave(self, entries: Iterable[tuple[InfoHash, PeerId]]) -> None:
        for info_hash, peer_id in entries:
            self._browsers.leave(info_hash, peer_id)

    def idle(self, session: Session) -> None:
        """Do what is due once in a while for a socket."""
        self._sessions.forget_unanswered(session)

    def received(self, session: Session, data: bytes) -> None:
        """Answer one message, now or when Redis has answered."""
        settings = self._settings
        session.superseded = False
        if len(data) >= LARGE:
            session.spend(len(data) // LARGE)
        try:
            message = decode(data, settings.max_offers, settings.max_scrape)
        except BadMessage as error:
            self._fail(session, error.action, error.info_hash, error)
            return
        try:
            if isinstance(message, AnnounceMessage):
                self._announce(session, message, len(data))
            elif isinstance(message, SignalMessage):
                self._signal(session, message)
            else:
                self._scrape(session, message)
        except TrackerError as error:
            action = "scrape" if isinstance(message, ScrapeMessage) else "announce"
            info_hash = None if isinstance(message, ScrapeMessage) else message.info_hash
            self._fail(session, action, info_hash, error)

    def _announce(self, session: Session, message: AnnounceMessage, size: int) -> None:
        """Serve an announce; if that raises, nothing has changed.

        Args:
            size: bytes of the whole message.
        """
        if message.offers or message.ignored:
            session.spend(len(message.offers) + message.ignored // SKIPPED)
        if message.ignored:
            self._refused["offers", "socket"] += message.ignored
        if message.unusable:
            self._relayed["offer", "malformed"] += message.unusable
        info_hash, peer_id = message.info_hash, message.peer_id
        claim = self._sessions.claim(session, info_hash, peer_id)
        if message.event is Event.STOPPED:
            alone = self._sessions.owns_alone(session, info_hash, peer_id)
            self._ask(session, message, 0, enters=alone)
            self._sessions.quit(session, info_hash, peer_id)
        elif session.members is not None and info_hash in session.members:
            entry = self._ask(session, message, size, enters=self._may_enter(session, claim))
            self._enter(session, message, claim, entry)
        elif session.hold(ENTRY_SIZE, "swarms"):
            self._announce_first(session, message, claim, size)
        else:
            raise Denied("too many swarms on one connection")

    def _announce_first(
        self, session: Session, message: AnnounceMessage, claim: Claim, size: int
    ) -> None:
        """Serve the first announce of a browser in a swarm, whose memory is counted already."""
        enters, entered = self._may_enter(session, claim), False
        try:
            entry = self._ask(session, message, size, enters=enters)
            entered = self._enter(session, message, claim, entry)
        finally:
            if not entered:
                session.release(ENTRY_SIZE)

    def _may_enter(self, session: Session, claim: Claim) -> bool:
        return claim is not Claim.TAKEN and not session.retired

    def _enter(
        self, session: Session, message: AnnounceMessage, claim: Claim, entry: Entry
    ) -> bool:
        """Note that a browser has an entry, or waits for it; False: neither."""
        info_hash, peer_id = message.info_hash, message.peer_id
        if claim is Claim.TAKEN:
            self._sessions.wait(session, info_hash, peer_id)
        elif entry is not ENTER:
            return False
        elif claim is Claim.FREE:
            self._sessions.join(session, info_hash, peer_id)
            opened_us = self._sessions.opened_us(session)
            self._relay.joined(info_hash, peer_id, opened_us, session.account.key)
        return True

    def _ask(self, session: Session, message: AnnounceMessage, size: int, *, enters: bool) -> Entry:
        """Ask the service, which answers later; return what the announce does to the swarm.

        Without room for the offers, the browser gets its answer and they are dropped.
        """
        held = size + OFFER_OVERHEAD * len(message.offers) if size and message.offers else 0
        if held and session.offers_held + held > MOST_HELD:
            self._refused["offers", "socket"] += len(message.offers)
            message, held = replace(message, offers=()), 0
        elif held and not session.hold(held, "offers"):
            message, held = replace(message, offers=()), 0
        session.offers_held += held
        request = BrowserAnnounce(
            message.info_hash,
            message.peer_id,
            message.event,
            message.seeding,
            len(message.offers),
            enters,
        )
        done = partial(self._announced, session, message, held)
        try:
            return self._browsers.announce(request, session.account, done)
        except TrackerError:
            session.offers_held -= held
            session.release(held)
            raise

    def _announced(
        self,
        session: Session,
        message: AnnounceMessage,
        held: int,
        result: BrowserAnnounced | TrackerError,
    ) -> None:
        if held:
            session.offers_held -= held
            session.release(held)
        info_hash = message.info_hash
        if isinstance(result, TrackerError):
            self._fail(session, "announce", info_hash, result)
            return
        self._count["ws", "announce", "ok"] += 1
        session.send(encode_announce_reply(info_hash, result.interval_s, result.counts))
        if message.offers:
            takers = iter(result.takers)  # one for all offers, so that nobody gets two
            address = address_digest(session.account.key)
            for given in message.offers:
                self._offer(session.number, address, message, takers, given)

    def _offer(
        self,
        number: int,
        address: AddressDigest,
        message: AnnounceMessage,
        takers: Iterator[tuple[PeerId, FrontendId]],
        given: OfferIn,
    ) -> None:
        """Send an offer to the first taker that is still there; without one it is dropped."""
        for peer_id, frontend in takers:
            offer = Offer(
                message.info_hash,
                message.peer_id,
                peer_id,
                given.offer_id,
                given.sdp,
                self._frontend,
                number,
                address,
            )
            in_vain = partial(self._offer, number, address, message, takers, given)
            if self._relay.offer(frontend, offer, in_vain):
                break

    def _signal(self, session: Session, message: SignalMessage) -> None:
        """Relay an answer, or a candidate from either of the two browsers of an offer."""
        info_hash, peer_id = message.info_hash, message.peer_id
        route = self._sessions.reply_route(session, message)
        if route is not None:
            kind = ANSWER if message.name == "answer" else CANDIDATE
            frontend, number, address = route.frontend, route.session, route.address
        elif message.name == "candidate" and self._sessions.announced(session, info_hash, peer_id):
            session.spend(SOUGHT)
            kind, frontend, number = OFFERER_CANDIDATE, None, 0
            address = address_digest(session.account.key)
        else:
            raise Denied(NOT_WAITING)
        self._count["ws", message.name, "ok"] += 1
        to_peer_id, offer_id, text = message.to_peer_id, message.offer_id, message.text
        signal = Signal(kind, info_hash, peer_id, to_peer_id, offer_id, text, number, address)
        self._relay.signal(frontend, signal)

    def _scrape(self, session: Session, message: ScrapeMessage) -> None:
        session.spend(min(message.asked, self._settings.max_scrape))
        if message.asked > self._settings.max_scrape:
            raise Denied(f"too many info_hashes, at most {self._settings.max_scrape}")
        if message.unusable:
            self._unusable["ws", "info_hash"] += message.unusable

        def scraped(result: list[Counts] | TrackerError) -> None:
            if isinstance(result, TrackerError):
                self._fail(session, "scrape", None, result)
            else:
                self._count["ws", "scrape", "ok"] += 1
                session.send(encode_scrape_reply(message.info_hashes, result))

        self._browsers.scrape(message.info_hashes, scraped)

    def _fail(
        self, session: Session, action: str, info_hash: InfoHash | None, error: TrackerError
    ) -> None:
        """An error that clients survive: the socket stays open."""
        self._count["ws", action, error.label] += 1
        brief = isinstance(error, Unavailable)
        interval_s = min(RETRY_S, self._settings.interval) if brief else self._settings.interval
        session.send(encode_error(action, info_hash, error.reason, interval_s))
