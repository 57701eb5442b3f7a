"""What hostile browsers send, as bytes. Masks are zero, so that a payload can be found in them."""

import json
from typing import Any

from tests.frontends.clients import text
from tests.fuzz.websocket import CLOSE, HANDSHAKE, PING, TEXT
from tests.hostile.attacks.streams import NUMBER

CONTINUATION, PONG = 0, 10
PEER_ID = b"-WWEVIL-0000" + NUMBER  # one for each socket

__all__ = ["CLOSE", "CONTINUATION", "HANDSHAKE", "PEER_ID", "PING", "PONG", "TEXT"]


def frame(payload: bytes, opcode: int = TEXT, *, fin: bool = True, mask: bool = True) -> bytes:
    """Return one frame (RFC 6455, section 5.2)."""
    return header(len(payload), opcode, fin=fin, mask=mask) + payload


def header(size: int, opcode: int = TEXT, *, fin: bool = True, mask: bool = True) -> bytes:
    """Return the header of a frame, with a mask of zeros."""
    first = bytes((fin << 7 | opcode,))
    if size < 126:
        length = bytes((mask << 7 | size,))
    elif size < 65_536:
        length = bytes((mask << 7 | 126,)) + size.to_bytes(2, "big")
    else:
        length = bytes((mask << 7 | 127,)) + size.to_bytes(8, "big")
    return first + length + (bytes(4) if mask else b"")


def message(**fields: object) -> bytes:
    """Return a text frame with a JSON object."""
    return frame(json.dumps(fields, separators=(",", ":")).encode())


def announce(info_hash: bytes, peer_id: bytes = PEER_ID, **fields: object) -> bytes:
    """Return a leecher's announce."""
    known = {"info_hash": text(info_hash), "peer_id": text(peer_id), "left": 1, "offers": []}
    return message(action="announce", **known | fields)


def scrape(count: int) -> bytes:
    """Return a scrape of `count` swarms."""
    hashes = [text(b"hostile scrape %05d" % number) for number in range(count)]
    return message(action="scrape", info_hash=hashes)


def tiny_offers(count: int) -> list[dict[str, Any]]:
    """Return the smallest offers that are valid."""
    return [{"offer": {"sdp": ""}, "offer_id": "x" * 20} for _ in range(count)]
