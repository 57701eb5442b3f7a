"""Floods of frames and messages over WebSocket, from one socket and from many addresses."""

from itertools import count

import pytest

from tests.hostile.arena import Arena
from tests.hostile.attacks import frames
from tests.hostile.attacks.described import tcp
from tests.hostile.attacks.frames import CLOSE, CONTINUATION, HANDSHAKE, PING, PONG, frame

HASH = b"hostile browsers' 00"
OPEN_TEXT = HANDSHAKE + frame(b"[", fin=False)
OFFERS = frames.announce(HASH, offers=frames.tiny_offers(1200), numwant=1200)
ANSWER = frames.announce(HASH, to_peer_id="x" * 20, offer_id="x" * 20, answer={"sdp": ""})

# By kind: what a socket sends first, and what it then repeats. Each socket sends one of them.
PROGRAMS = {
    "control frames": [
        (HANDSHAKE, frame(b"", PING)),
        (HANDSHAKE, frame(b"!" * 125, PING)),
        (HANDSHAKE, frame(b"", PONG)),
    ],
    "fragments": [
        (OPEN_TEXT, frame(b"", CONTINUATION, fin=False)),
        (OPEN_TEXT, frame(b"[", CONTINUATION, fin=False)),
        (OPEN_TEXT, frame(b"", PING) + frame(b"[", CONTINUATION, fin=False)),
    ],
    "violations": [
        (HANDSHAKE, frame(b"", CLOSE)),
        (HANDSHAKE, frame(b"", PING, mask=False)),
        (HANDSHAKE, frame(b"", 3)),
        (HANDSHAKE, frame(b"", 2)),
        (HANDSHAKE, bytes(range(256))),
        (HANDSHAKE + HANDSHAKE, HANDSHAKE),
    ],
    "small messages": [
        (HANDSHAKE, frame(b"")),
        (HANDSHAKE, frame(b'{"action":"announce"}')),
        (HANDSHAKE, frames.announce(HASH)),
        (HANDSHAKE, frames.announce(HASH, event="stopped")),
        (HANDSHAKE, ANSWER),
    ],
    "large messages": [
        (HANDSHAKE, frames.scrape(100)),
        (HANDSHAKE, OFFERS),
        (HANDSHAKE, frame(b"[" * 60_000)),
        (HANDSHAKE, frame(b'{"action":"scrape","info_hash":"' + b"\\u00e9" * 9_000 + b'"}')),
    ],
}
SOURCES = {  # addresses, sockets, bytes per second
    "20 sockets of one address": (1, 20, 3_000_000),
    "250 addresses": (250, 250, 5_000_000),
}
_networks = count(10)  # each attack comes from addresses that no other has used


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("kind", PROGRAMS)
async def test_a_flood_of_frames_does_not_disturb_others(
    ground: Arena, kind: str, source: str
) -> None:
    hosts, sockets, per_second = SOURCES[source]
    await ground.withstands(
        tcp(
            ground.tracker.ports["ws"],
            network=next(_networks),
            programs=PROGRAMS[kind],
            hosts=hosts,
            sockets=sockets,
            per_second=per_second,
        )
    )


async def test_a_flood_of_handshakes_does_not_disturb_others(ground: Arena) -> None:
    await ground.withstands(
        tcp(
            ground.tracker.ports["ws"],
            network=next(_networks),
            programs=[(b"", HANDSHAKE)],
            sockets=50,
            once=True,
            per_second=len(HANDSHAKE) * 3000,
        )
    )
