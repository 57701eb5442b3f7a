"""Sockets, and what they send each other."""

from tests.recorder import Recorder
from tracker.frontends.session import Session
from tracker.frontends.sessions import Sessions
from tracker.model import Offer, Signal, SignalKind
from tracker.policy.ownership import Claim
from tracker.settings import WsSettings
from tracker.wire.relay import address_digest
from tracker.wire.websocket import SignalMessage, SignalName

HERE = b"frontend"
HASH, OTHER = b"h" * 20, b"o" * 20
ANNE, BERT = b"a" * 20, b"b" * 20
OFFER_ID, OTHER_OFFER_ID = (b"%020d" % number for number in (1, 2))
AWAY = bytes((10, 0, 0, 2))
SETTINGS = WsSettings(max_pending=2, offers_per_second=4.0, offers_burst=16)  # three of a source


class Clock:  # seconds, as they are set
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def opened(sessions: Sessions, address: bytes | None = None) -> Recorder:
    session = Recorder() if address is None else Recorder(address)
    sessions.open(session)
    return session


def enter(sessions: Sessions, session: Session, info_hash: bytes, peer_id: bytes) -> Claim:
    """Do what an announce does."""
    claim = sessions.claim(session, info_hash, peer_id)
    if claim is Claim.FREE:
        sessions.join(session, info_hash, peer_id)
    elif claim is Claim.TAKEN:
        sessions.wait(session, info_hash, peer_id)
    return claim


def offer(session: Session, offer_id: bytes = OFFER_ID, text: bytes = b'"v=0"') -> Offer:
    """Anne's to Bert, from that socket of hers."""
    address = address_digest(session.account.key)
    return Offer(HASH, ANNE, BERT, offer_id, text, HERE, session.number, address)


def return_address(
    sessions: Sessions, session: Session, offer_id: bytes = OFFER_ID
) -> tuple[bytes, int] | None:
    """Where Bert's answer to Anne's offer goes."""
    route = sessions.reply_route(session, reply(offer_id))
    return None if route is None else (route.frontend, route.session)


def reply(
    offer_id: bytes = OFFER_ID, name: SignalName = "answer", text: bytes = b'"v=0"'
) -> SignalMessage:
    """Bert's, to Anne's offer."""
    return SignalMessage(name, HASH, BERT, ANNE, offer_id, text)


def answer(session: Session) -> Signal:
    """Bert's, to Anne's offer from that socket of hers."""
    address = address_digest(session.account.key)
    return Signal(SignalKind.ANSWER, HASH, BERT, ANNE, OFFER_ID, b'"v=0"', session.number, address)


def candidate(session: Session) -> Signal:
    """Anne's, for the offer from that socket of hers."""
    address = address_digest(session.account.key)
    kind = SignalKind.OFFERER_CANDIDATE
    return Signal(kind, HASH, ANNE, BERT, OFFER_ID, b'{"candidate":""}', 0, address)
