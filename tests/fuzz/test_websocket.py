"""Frames and messages of no sense over WebSocket, among browsers that mean well."""

from random import Random

from tests.fuzz.good import announces_over_websocket
from tests.fuzz.storm import bounded, survives, target
from tests.fuzz.tcp import BadPeer, connection
from tests.fuzz.websocket import HANDSHAKE, answers, choose_own, frames, odd_handshake, served

REACHED = {
    ("tracker_requests_total", "announce", "ok", "ws"),
    ("tracker_requests_total", "announce", "malformed", "ws"),
    ("tracker_requests_total", "answer", "ok", "ws"),
    ("tracker_requests_total", "scrape", "ok", "ws"),
    ("tracker_requests_total", "scrape", "malformed", "ws"),
    ("tracker_closed_total", "ws", "protocol"),
    ("tracker_closed_total", "ws", "size"),
}


@bounded
async def test_a_tracker_outlives_a_storm_of_frames() -> None:
    with target("--only", "ws") as tracker:
        port = tracker.ports["ws"]
        metrics = await survives(
            tracker, lambda rng: attack(port, rng), lambda: announces_over_websocket(port)
        )
    assert REACHED <= metrics.keys()


async def attack(port: int, rng: Random) -> None:
    """Open a WebSocket, mostly as one should, say something, and go in some way."""
    choose_own(rng)
    async with connection(port, rng) as peer:
        if rng.random() < 0.1:
            await peer.send(odd_handshake(rng) + frames(rng))
        else:
            await peer.send(HANDSHAKE)
            if rng.random() < 0.8:
                assert (await peer.receive()).startswith(b"HTTP/1.1 101 ")
            await converse(peer, rng)
        await peer.leave()


async def converse(peer: BadPeer, rng: Random) -> None:
    """Speak sense or not, and answer some of the offers that come."""
    said, rounds = rng.choice(((served, 10), (frames, 1), (frames, 1), (frames, 5)))
    for _ in range(rounds):
        await peer.send(said(rng))
        if rng.random() < 0.5:
            await peer.send(answers(rng, await peer.glance()))
