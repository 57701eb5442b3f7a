"""Offers and answers under way between browsers, each followed from end to end."""

import time
from collections import Counter
from typing import NamedTuple

from tests.cluster.population import Swarm
from tests.cluster.records import Delivery
from tracker.model import PeerId
from tracker.wire import websocket_client as wire
from tracker.wire.websocket import OfferIn

SDP_SIZE = 1200  # bytes, as of a browser with few addresses


class Offered(NamedTuple):
    """An offer that is under way, or was."""

    at_s: float
    swarm: Swarm
    sender: PeerId
    frontend: str  # the sender's


class Offers:
    """All that the browsers of one load sent."""

    def __init__(self) -> None:
        self._offered: dict[bytes, Offered] = {}
        self._takers: dict[bytes, PeerId] = {}  # of those delivered
        self._void: set[bytes] = set()  # of announces without a good answer
        self.deliveries: list[Delivery] = []
        self.answered = 0
        self.wrong: Counter[str] = Counter()

    def lost(self, since_s: float) -> list[Offered]:
        """Those made since then that reached nobody, though their announce had a good answer."""
        reached = self._takers.keys() | self._void
        return [
            offered
            for offer_id, offered in self._offered.items()
            if offered.at_s >= since_s and offer_id not in reached
        ]

    def make(self, swarm: Swarm, sender: PeerId, frontend: str, many: int) -> list[OfferIn]:
        """New ones, to be sent now."""
        offers = []
        for _ in range(many):
            offer_id = b"%020d" % len(self._offered)
            self._offered[offer_id] = Offered(time.monotonic(), swarm, sender, frontend)
            offers.append(OfferIn(_description(b"offer", offer_id), offer_id))
        return offers

    def void(self, offers: list[OfferIn]) -> None:
        """Their announce failed: nobody need get these, and still somebody may."""
        self._void.update(offer.offer_id for offer in offers)

    def delivered(self, offer: wire.OfferReply, taker: PeerId, frontend: str) -> bytes | None:
        """An offer arrived; returns the answer to it, or None if it was none of ours."""
        known = self._offered.get(offer.offer_id)
        fault = self._fault(offer, known, taker)
        if fault is not None or known is None:
            self.wrong[fault or "unknown"] += 1
            return None
        self._takers[offer.offer_id] = taker
        took_s = time.monotonic() - known.at_s
        self.deliveries.append(Delivery(known.at_s, took_s, known.frontend, frontend, taker))
        return wire.encode_answer_request(
            offer.info_hash,
            taker,
            known.sender,
            offer.offer_id,
            _description(b"answer", offer.offer_id),
        )

    def returned(self, answer: wire.AnswerReply, receiver: PeerId) -> None:
        """An answer arrived."""
        known = self._offered.get(answer.offer_id)
        right = (
            known is not None
            and known.sender == receiver
            and known.swarm.info_hash == answer.info_hash
            and self._takers.get(answer.offer_id) == answer.peer_id
            and _description(b"answer", answer.offer_id) == answer.sdp
        )
        if right:
            self.answered += 1
        else:
            self.wrong["answer"] += 1

    def _fault(self, offer: wire.OfferReply, known: Offered | None, taker: PeerId) -> str | None:
        if known is None:
            return "an offer that nobody made"
        if known.swarm.info_hash != offer.info_hash or taker not in known.swarm.browsers:
            return "an offer in another swarm"
        if known.sender != offer.peer_id or taker == known.sender:
            return "an offer of another browser"
        if offer.offer_id in self._takers:
            return "an offer for the second time"
        if _description(b"offer", offer.offer_id) != offer.sdp:
            return "a changed offer"
        return None


def _description(kind: bytes, offer_id: bytes) -> bytes:
    """JSON whose text differs from offer to offer, so that none can pass for another."""
    sdp = (b"v=0 %s %s " % (kind, offer_id)).ljust(SDP_SIZE, b"x")
    return b'"%s"' % sdp
