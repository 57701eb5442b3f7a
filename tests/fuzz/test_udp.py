"""Datagrams of no sense from many addresses, proven and unproven."""

import asyncio
import socket
from random import Random

from tests.frontends.clients import announce_packet, scrape_packet, udp_peer
from tests.fuzz.http import HASHES
from tests.fuzz.mutation import mutated, noise
from tests.fuzz.storm import bounded, survives, target
from tests.fuzz.tcp import loopback
from tracker.model import Event
from tracker.wire import udp

PACKETS = 20  # between two that must be answered, so that no more is sent than is read
ANSWER_S = 0.5
REACHED = {
    ("connect", "ok"),
    ("announce", "ok"),
    ("announce", "malformed"),
    ("scrape", "ok"),
    ("scrape", "malformed"),
    ("unknown", "malformed"),
    ("unproven", "silent"),
}


@bounded
async def test_a_tracker_outlives_a_storm_of_datagrams() -> None:
    with target("--only", "udp") as tracker:
        port = tracker.ports["udp"]

        async def serves() -> None:
            for host in ("127.0.0.1", "::1"):
                async with udp_peer(port, host) as peer:
                    await peer.announce(await peer.connect(), info_hash=b"good" * 5)

        metrics = await survives(tracker, lambda rng: attack(port, rng), serves)
    assert {("tracker_requests_total", *each, "udp") for each in REACHED} <= metrics.keys()


async def attack(port: int, rng: Random) -> None:
    """Prove an address, send some packets, and see that a good one among them is answered."""
    ipv6 = rng.random() < 0.2
    with socket.socket(socket.AF_INET6 if ipv6 else socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)
        sock.bind(("::1" if ipv6 else loopback(rng), 0))
        sock.connect(("::1" if ipv6 else "127.0.0.1", port))
        proof = (await ask(sock, udp.encode_connect_request(b"conn")))[8:]
        for _ in range(PACKETS):
            await asyncio.get_running_loop().sock_sendall(sock, rng.choice(KINDS)(rng, proof))
        await ask(sock, udp.encode_scrape_request(udp.ScrapeRequest(proof, b"last", HASHES[:1])))


async def ask(sock: socket.socket, request: bytes) -> bytes:
    """The reply to a good request; what comes before it must be replies too.

    Raises:
        TimeoutError: it was lost, as datagrams are in a storm.
    """
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(ANSWER_S):
        await loop.sock_sendall(sock, request)
        while True:
            reply = await loop.sock_recv(sock, 2048)
            udp.decode_reply(reply, 18 if sock.family is socket.AF_INET6 else 6)
            if reply[4:8] == request[12:16]:
                return reply


def _announce(rng: Random, proof: bytes) -> bytes:
    return announce_packet(
        proof,
        info_hash=rng.choice(HASHES),
        event=rng.choice(list(Event)),
        left=rng.choice((0, 1, -1)),
        numwant=rng.choice((None, 0, 50, 2**31 - 1)),
        port=rng.choice((0, rng.randint(1, 65535))),
        url_data=noise(rng, rng.choice((0, 0, 600))),
    )


def _scrape(rng: Random, proof: bytes) -> bytes:
    return scrape_packet(proof, *rng.choices(HASHES, k=rng.choice((0, 1, 5, 74, 90))))


def _any_action(rng: Random, proof: bytes) -> bytes:
    action = rng.choice((rng.randrange(6), rng.getrandbits(32)))
    return proof + action.to_bytes(4, "big") + noise(rng)


def _changed(rng: Random, proof: bytes) -> bytes:
    """Wrong in whatever comes after the proof, or in that too."""
    good = rng.choice((_announce, _scrape))(rng, proof)
    return rng.choice((proof, b"")) + mutated(rng, good[8:])


def _longer(rng: Random, proof: bytes) -> bytes:
    """Followed by options of no sense (BEP 41)."""
    return rng.choice((_announce, _scrape))(rng, proof) + noise(rng)


def _shorter(rng: Random, proof: bytes) -> bytes:
    good = rng.choice((_announce, _scrape))(rng, proof)
    return good[: rng.randrange(len(good))]


def _noise(rng: Random, proof: bytes) -> bytes:
    return noise(rng)


KINDS = (_announce, _scrape, _any_action, _changed, _longer, _shorter, _noise)
