"""Frames and messages over WebSocket: good, changed, and without end."""

import json
import re
from collections.abc import Callable
from contextvars import ContextVar
from random import Random
from typing import Any

from tests.frontends.clients import browser_id, get, offers, text
from tests.fuzz.http import HASHES
from tests.fuzz.mutation import mutated, noise

UPGRADE = ("Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13")
HANDSHAKE = get("/", *UPGRADE, "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==")
OFFER = re.compile(rb'"info_hash":("[^"]*"),"peer_id":("[^"]*"),"offer_id":("[^"]*"),"offer"')
TEXT, BINARY, CLOSE, PING = 1, 2, 8, 9
SWARMS, BROWSERS = 4, 50  # few, so that they meet

# The peer_id that a connection uses in most of its messages: only with that it can answer offers.
OWN: ContextVar[str] = ContextVar("OWN")

NOT_JSON = (
    b"[" * 50_000,
    b'{"a":' * 10_000,
    b'{"action":"announce","info_hash":' + b"[" * 30_000,
    b'{"action":"announce","offers":[{"offer":' + b'{"a":' * 10_000,
    b'{"action":"announce","left":' + b"9" * 50_000 + b"}",
    b'{"action":"announce","numwant":1e999999}',
    b'{"action":"announce","action":"scrape","info_hash":"a","info_hash":["b"]}',
    b'{"action":"announce","info_hash":"\\ud800\\udc00\\ud800"}',
    b'{"action":"announce","info_hash":"\xed\xa0\x80"}',
    b'"\xff\xfe"',
    b"",
    b"\0",
    b"null",
)
ODD_VALUES: tuple[Any, ...] = (
    None, True, -1, 1.5, 10**40, "", "\0", "\ud800", "\u20ac" * 20, "a" * 5000, [], {}, [[]],
    [None], ["a"] * 200, {"a": {}}, [{"offer": None}], [{"offer": {}, "offer_id": 1}],
)  # fmt: skip


def odd_handshake(rng: Random) -> bytes:
    """Refused by us, or before that by the reader of heads."""
    return rng.choice((get("/", *UPGRADE), mutated(rng, HANDSHAKE)))


def frames(rng: Random) -> bytes:
    """What a bad browser sends after its handshake."""
    return b"".join(rng.choice(KINDS)(rng) for _ in range(rng.choice((1, 2, 5, 20))))


def choose_own(rng: Random) -> None:
    """Choose the peer_id of a new connection."""
    OWN.set(_any_peer_id(rng))


def _any_peer_id(rng: Random) -> str:
    return text(browser_id(rng.randrange(BROWSERS)))


def answers(rng: Random, received: bytes) -> bytes:
    """Answers to the offers among these frames of the tracker, some of them changed."""
    sent, own = b"", json.dumps(OWN.get()).encode()
    for info_hash, peer_id, offer_id in OFFER.findall(received):
        answer = b'{"action":"announce","info_hash":%b,"peer_id":%b,"to_peer_id":%b,"offer_id":%b,'
        answer = (
            answer % (info_hash, own, peer_id, offer_id)
            + b'"answer":{"type":"answer","sdp":"v=0"}}'
        )
        sent += frame(rng, answer if rng.random() < 0.8 else mutated(rng, answer))
    return sent


def frame(
    rng: Random,
    payload: bytes,
    opcode: int = TEXT,
    *,
    fin: bool = True,
    reserved: int = 0,
    masked: bool = True,
    length: int | None = None,
) -> bytes:
    """A frame (RFC 6455, section 5.2), right or wrong; `length` is told instead of the true one."""
    told = len(payload) if length is None else length
    head = bytes((fin << 7 | reserved << 4 | opcode,))
    bit = masked << 7
    if told < 126 and length is None:
        head += bytes((bit | told,))
    elif told < 65536 and length is None:
        head += bytes((bit | 126,)) + told.to_bytes(2, "big")
    else:
        head += bytes((bit | 127,)) + told.to_bytes(8, "big")
    if not masked:
        return head + payload
    key = rng.randbytes(4)
    mask = (key * (len(payload) // 4 + 1))[: len(payload)]
    xored = int.from_bytes(payload, "big") ^ int.from_bytes(mask, "big")
    return head + key + xored.to_bytes(len(payload), "big")


def _message(rng: Random) -> dict[str, Any]:
    """A message that is served."""
    message: dict[str, Any] = {
        "action": "announce",
        "info_hash": text(HASHES[rng.randrange(SWARMS)]),
        "peer_id": OWN.get() if rng.random() < 0.8 else _any_peer_id(rng),
    }
    match rng.randrange(4):
        case 0:
            some = rng.choices(HASHES, k=rng.choice((1, 5, 100)))
            return {"action": "scrape", "info_hash": [text(each) for each in some]}
        case 1:
            to = _any_peer_id(rng)
            answer = {"type": "answer", "sdp": "x" * rng.randint(0, 4000)}
            offer_id = f"{rng.randrange(10):020}"
            return message | {"to_peer_id": to, "offer_id": offer_id, "answer": answer}
        case 2:
            event = rng.choice(("started", "completed", "stopped", "paused"))
            return message | {"event": event, "left": rng.choice((0, 1, None))}
        case _:
            return message | {"numwant": 10, "offers": offers(rng.randint(0, 12))}


def served(rng: Random) -> bytes:
    """What a good browser sends."""
    return frame(rng, _json(rng, _message(rng)))


def _odd_message(rng: Random) -> bytes:
    """Fields of a wrong type, or gone."""
    message = _message(rng)
    for name in rng.sample(sorted(message), rng.randint(1, 2)):
        message[name] = rng.choice(ODD_VALUES)
        if rng.random() < 0.3:
            del message[name]
    return frame(rng, _json(rng, message))


def _json(rng: Random, message: dict[str, Any]) -> bytes:
    escaped = rng.random() < 0.5
    return json.dumps(message, ensure_ascii=escaped).encode("utf-8", "surrogatepass")


def _mutated_message(rng: Random) -> bytes:
    return frame(rng, mutated(rng, _json(rng, _message(rng))))


def _not_json(rng: Random) -> bytes:
    return frame(rng, rng.choice((*NOT_JSON, noise(rng))))


def _mutated_frame(rng: Random) -> bytes:
    return mutated(rng, served(rng))


def _odd_frame(rng: Random) -> bytes:
    return frame(
        rng,
        noise(rng, 200),
        rng.randrange(16),
        fin=rng.random() < 0.8,
        reserved=rng.choice((0, 0, 0, 1, 4, 7)),
        masked=rng.random() < 0.9,
        length=rng.choice((None, None, None, 0, 5, 65_537, 1 << 31, 1 << 62, (1 << 64) - 1)),
    )


def _large(rng: Random) -> bytes:
    return frame(rng, b" " * rng.choice((65_535, 65_536, 65_537, 200_000)), rng.choice((1, 2, 9)))


def _fragments(rng: Random) -> bytes:
    """A message without end, in pieces that may be empty, with pings among them."""
    size, count = rng.choice(((0, 500), (10, 300), (3000, 30)))
    pieces = [frame(rng, b"[" * size, 0 if at else TEXT, fin=False) for at in range(count)]
    pieces.insert(rng.randrange(count), frame(rng, b"?", PING))
    return b"".join(pieces) + rng.choice((b"", frame(rng, b"", 0), served(rng)))


def _flood(rng: Random) -> bytes:
    return rng.choice((served(rng), frame(rng, b"{}"), frame(rng, b"!", PING))) * 600


def _close(rng: Random) -> bytes:
    code = rng.choice((0, 999, 1000, 1005, 1006, 1015, 3000, 4999, 5000, 65535))
    payload = code.to_bytes(2, "big") + rng.choice((b"", b"bye", b"\xff", b"x" * 124))
    return frame(rng, rng.choice((payload, b"", b"\0")), CLOSE)


def _binary(rng: Random) -> bytes:
    return frame(rng, noise(rng), BINARY)


# Most of them leave the socket open, so that what comes after is met too.
KINDS: tuple[Callable[[Random], bytes], ...] = (
    *(served,) * 8,
    *(_odd_message,) * 8,
    *(_mutated_message,) * 4,
    *(_not_json,) * 4,
    _mutated_frame,
    _odd_frame,
    _large,
    _fragments,
    _flood,
    _close,
    _binary,
    noise,
)
