"""A stranger: it joins a swarm, and sends its peers malformed offers, answers and candidates."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from websockets.sync.client import ClientConnection, connect

from tests.nodes import DEADLINE_S

PEER_ID = "-XX0001-zzzzzzzzzzzz"
OFFER_ID = json.dumps("o" * 20)
SDP = '"sdp":"v=0\\r\\n"'

# JSON texts. What `offer` and `answer` hold; some are malformed for one client only.
DESCRIPTIONS = [
    "null",
    '"v=0"',
    "[]",
    "{}",
    '{"type":"offer","sdp":null}',
    '{"type":"offer","sdp":5}',
    f'{{"type":"offer",{SDP},"sdp":null}}',
    '{"type":"offer","sdp":"v=0\\ud800"}',
    '{"type":"offer","sdp":"\\udc00"}',
    f'{{"type":"offer",{SDP},"\\ud800":0}}',
    f'{{"type":"offer",{SDP},"x":{"[" * 40}{"]" * 40}}}',
    f'{{"type":"offer",{SDP},"x":{"[" * 400}{"]" * 400}}}',
    f'{{"type":"offer",{SDP},"x":1e999999,"y":{"1" * 5000},"z":-1e-999999}}',
    f"{{{SDP}}}",
    f'{{"type":5,{SDP}}}',
    f'{{"type":null,{SDP}}}',
    f'{{"type":"other",{SDP}}}',
    f'{{"type":"rollback",{SDP}}}',
    f'{{"type":"offer",{SDP},"candidate":5}}',
    f'{{"type":"offer",{SDP},"renegotiate":true}}',
    '{"transceiverRequest":true}',
    f'{{"type":"offer",{SDP},"transceiverRequest":true}}',
]
OFFER_IDS = [
    "5",
    "null",
    '""',
    *map(json.dumps, ("o" * 19, "o" * 21, "\u0100" * 20, "\ud800" * 20)),
]
CANDIDATES = [
    *DESCRIPTIONS,
    '{"candidate":5}',
    '{"candidate":"x","sdpMid":{},"sdpMLineIndex":-1}',
    f'{{"candidate":"x","y":{"[" * 40}{"]" * 40}}}',
]


class Stranger:
    """A client in the swarm of one info_hash."""

    def __init__(self, socket: ClientConnection, info_hash: bytes) -> None:
        self._socket, self._info_hash = socket, info_hash.decode("latin-1")
        self._offers: list[dict[str, Any]] = []
        self._send('"left":1')
        self._heard_until("interval")

    def offered(self) -> None:
        """Wait until a peer joined the swarm, and its offer arrived."""
        if not self._offers:
            self._heard_until("offer")

    def send_offers(self) -> None:
        """Send all malformed offers; a peer that is alone with it in the swarm is the recipient."""
        offer = f'{{"type":"offer",{SDP}}}'
        for offer_id, text in [
            *((OFFER_ID, each) for each in DESCRIPTIONS),
            *((each, offer) for each in OFFER_IDS),
        ]:
            self._send(f'"left":1,"offers":[{{"offer_id":{offer_id},"offer":{text}}}]')
            self._heard_until("interval")

    def send_replies(self) -> None:
        """Send all malformed candidates and answers to an offer of the peer."""
        offer = self._offers[-1]
        for name, texts in ("candidate", CANDIDATES), ("answer", DESCRIPTIONS):
            for text in texts:
                self._reply(offer, json.dumps(offer["offer_id"]), f'"{name}":{text}')
        for offer_id in OFFER_IDS:
            self._reply(offer, offer_id, f'"answer":{{"type":"answer",{SDP}}}')

    def _reply(self, offer: dict[str, Any], offer_id: str, field: str) -> None:
        to_peer_id = json.dumps(offer["peer_id"])
        self._send(f'"to_peer_id":{to_peer_id},"offer_id":{offer_id},{field}')
        self._socket.send(json.dumps({"action": "scrape", "info_hash": self._info_hash}))
        self._heard_until("files")

    def _send(self, fields: str) -> None:
        ids = f'"info_hash":{json.dumps(self._info_hash)},"peer_id":"{PEER_ID}"'
        self._socket.send(f'{{"action":"announce",{ids},{fields}}}')

    def _heard_until(self, field: str) -> None:
        """Read messages up to one with this field; offers are kept."""
        message: dict[str, Any] = {}
        while field not in message:
            message = json.loads(self._socket.recv(DEADLINE_S))
            if "offer" in message:
                self._offers.append(message)


@contextmanager
def stranger(url: str, info_hash: bytes) -> Iterator[Stranger]:
    """A stranger that stays in the swarm for the length of the context."""
    with connect(url, proxy=None) as socket:
        yield Stranger(socket, info_hash)
