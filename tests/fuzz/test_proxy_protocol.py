"""PROXY heads of no sense from a proxy that is trusted, and what may follow them."""

from random import Random

from tests.fuzz.good import announces_over_http, announces_over_websocket
from tests.fuzz.http import requests
from tests.fuzz.mutation import mutated, noise
from tests.fuzz.storm import bounded, survives, target
from tests.fuzz.tcp import LONG_S, connection
from tests.fuzz.websocket import HANDSHAKE, choose_own, frames
from tracker.wire.proxy_protocol import Address, encode_v1, encode_v2

PROXY = ("--proxy-protocol", "--trusted-proxies", "127.0.0.0/8")
SOURCE, TARGET = (b"\x01\x02\x03\x04", 1234), (b"\x7f\0\0\1", 8000)
REACHED = {
    ("tracker_requests_total", "announce", "ok", "http"),
    ("tracker_requests_total", "announce", "ok", "ws"),
    ("tracker_closed_total", "tcp", "proxy"),
    ("tracker_closed_total", "tcp", "slow"),
}


@bounded
async def test_a_tracker_outlives_a_storm_of_proxy_heads() -> None:
    with target("--only", "http,ws", *PROXY) as tracker:
        port = tracker.ports["http"]

        async def serves() -> None:
            for encode in (encode_v1, encode_v2):
                await announces_over_http(port, encode(SOURCE, TARGET))
                await announces_over_websocket(port, encode(SOURCE, TARGET))

        metrics = await survives(tracker, lambda rng: attack(port, rng), serves)
    assert REACHED <= metrics.keys()


async def attack(port: int, rng: Random) -> None:
    """Send a head and what may follow, and go in some way."""
    async with connection(port, rng) as peer:
        if rng.random() < 0.02:  # nothing follows, not even the head's end
            await peer.send(_cut(rng))
            await peer.glance(LONG_S)
        await peer.send(head(rng))
        await peer.send(rng.choice((requests, _browser, noise))(rng))
        await peer.leave()


def head(rng: Random) -> bytes:
    """What the tracker reads first, or should not."""
    good = _good(rng)
    match rng.randrange(6):
        case 0:
            return mutated(rng, good)
        case 1:
            return _cut(rng)
        case 2:
            return rng.choice((b"PROXY UNKNOWN\r\n", b"PROXY UNKNOWN " + b"f" * 200 + b"\r\n"))
        case 3:
            return _long_v2(rng)
        case 4:
            return rng.choice((b"", noise(rng, 50), good + good))
    return good


def _long_v2(rng: Random) -> bytes:
    """Version 2 of any command and family, with notes (TLVs) after the addresses."""
    notes = bytes(rng.choice((0, 12, 216, 4000, 5000, 65_000)))
    told = rng.choice((len(notes), len(notes), rng.randrange(65536)))
    kind = bytes((rng.choice((0x20, 0x21, 0x22, 0x11)), rng.choice((0, 0x11, 0x21, 0x31, 0xFF))))
    return b"\r\n\r\n\0\r\nQUIT\n" + kind + told.to_bytes(2, "big") + notes


def _good(rng: Random) -> bytes:
    size = rng.choice((4, 16))
    return rng.choice((encode_v1, encode_v2))(_address(rng, size), _address(rng, size))


def _cut(rng: Random) -> bytes:
    good = _good(rng)
    return good[: rng.randrange(len(good))]


def _address(rng: Random, size: int) -> Address:
    return rng.randbytes(size), rng.randrange(65536)


def _browser(rng: Random) -> bytes:
    choose_own(rng)
    return HANDSHAKE + frames(rng)
