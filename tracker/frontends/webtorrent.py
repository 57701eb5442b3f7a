"""The conversation with a browser: WebTorrent's tracker messages, without the socket."""

from collections.abc import Iterator
from functools import partial

from tracker.errors import Denied, TrackerError
from tracker.frontends.sessions import Session, Sessions
from tracker.metrics import Metrics
from tracker.model import (
    Answer,
    BrowserAnnounce,
    BrowserAnnounced,
    Counts,
    Event,
    FrontendId,
    InfoHash,
    Offer,
    PeerId,
)
from tracker.service.browsers import Browsers
from tracker.service.ports import Relay
from tracker.settings import WsSettings
from tracker.wire.websocket import (
    AnnounceMessage,
    AnswerMessage,
    BadMessage,
    OfferIn,
    ScrapeMessage,
    decode,
    encode_announce_reply,
    encode_error,
    encode_scrape_reply,
)


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

    def opened(self, session: Session) -> None:
        """A browser connected."""
        self._sessions.open(session)

    def closed(self, session: Session) -> None:
        """A browser's socket is gone: that is `stopped` for all that it announced."""
        for info_hash, peer_id in self._sessions.close(session):
            self._browsers.leave(info_hash, peer_id)

    def received(self, session: Session, data: bytes) -> None:
        """Answer one message, now or when Redis has answered."""
        try:
            message = decode(data)
        except BadMessage as error:
            self._fail(session, error.action, error.info_hash, error)
            return
        try:
            if isinstance(message, AnnounceMessage):
                self._announce(session, message)
            elif isinstance(message, AnswerMessage):
                self._answer(session, message)
            else:
                self._scrape(session, message)
        except TrackerError as error:
            action = "scrape" if isinstance(message, ScrapeMessage) else "announce"
            info_hash = None if isinstance(message, ScrapeMessage) else message.info_hash
            self._fail(session, action, info_hash, error)

    def _announce(self, session: Session, message: AnnounceMessage) -> None:
        info_hash, peer_id = message.info_hash, message.peer_id
        if message.event is Event.STOPPED:
            if not self._sessions.quit(session, info_hash, peer_id):
                self._recount(session, message)
                return
        else:
            self._join(session, info_hash, peer_id)
        request = BrowserAnnounce(
            info_hash, peer_id, message.event, message.seeding, len(message.offers)
        )
        self._browsers.announce(request, partial(self._announced, session, message))

    def _join(self, session: Session, info_hash: InfoHash, peer_id: PeerId) -> None:
        members = session.members or ()
        if len(members) >= self._settings.max_swarms and info_hash + peer_id not in members:
            raise Denied("too many swarms on one connection")
        at_us = self._sessions.join(session, info_hash, peer_id)
        if at_us is not None:
            self._relay.joined(info_hash, peer_id, at_us)

    def _recount(self, session: Session, message: AnnounceMessage) -> None:
        """`stopped` from a socket that is not the peer's newest: it removes nobody."""

        def counted(result: list[Counts] | TrackerError) -> None:
            if not isinstance(result, TrackerError):
                reply = BrowserAnnounced(self._settings.interval, result[0], [])
                self._announced(session, message, reply)
            else:
                self._announced(session, message, result)

        self._browsers.scrape([message.info_hash], counted)

    def _announced(
        self,
        session: Session,
        message: AnnounceMessage,
        result: BrowserAnnounced | TrackerError,
    ) -> None:
        info_hash = message.info_hash
        if isinstance(result, TrackerError):
            self._fail(session, "announce", info_hash, result)
            return
        self._count["ws", "announce", "ok"] += 1
        session.send(encode_announce_reply(info_hash, result.interval_s, result.counts))
        takers = iter(result.takers)  # one for all offers, so that nobody gets two
        for given in message.offers[: self._settings.max_offers]:
            self._offer(session.number, message, takers, given)

    def _offer(
        self,
        number: int,
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
                given.offer,
                self._frontend,
                number,
            )
            in_vain = partial(self._offer, number, message, takers, given)
            if self._relay.offer(frontend, offer, in_vain):
                break

    def _answer(self, session: Session, message: AnswerMessage) -> None:
        info_hash, peer_id, to_peer_id, offer_id, text = message
        address = self._sessions.return_address(session, info_hash, to_peer_id, offer_id)
        if address is None:
            raise Denied("no such offer is waiting for an answer")
        frontend, number = address
        self._count["ws", "answer", "ok"] += 1
        self._relay.answer(frontend, Answer(info_hash, peer_id, offer_id, text, number))

    def _scrape(self, session: Session, message: ScrapeMessage) -> None:
        if len(message.info_hashes) > self._settings.max_scrape:
            raise Denied(f"too many info_hashes, at most {self._settings.max_scrape}")

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
        session.send(encode_error(action, info_hash, error.reason))
