"""Who is in which swarm. It is known beforehand, so that every answer can be checked."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha1
from random import Random
from typing import NamedTuple

from tracker.model import Endpoint, InfoHash, PeerId
from tracker.wire.compact import pack, pack_ip

SEEDERS = 0.4  # part of the peers
FIRST_PORT = 1024
BROWSERS = 10  # in each swarm that has any: enough to take each other's offers


@dataclass(slots=True)
class Swarm:
    """What is true of one swarm, once all of its peers have announced."""

    info_hash: InfoHash
    seeders: int = 0
    leechers: int = 0
    endpoints: set[Endpoint] = field(default_factory=set)
    browsers: set[PeerId] = field(default_factory=set)


class Peer(NamedTuple):
    """A peer over HTTP or UDP."""

    swarm: Swarm
    peer_id: PeerId
    endpoint: Endpoint
    port: int
    seeding: bool

    def wrong(self, seeders: int, leechers: int, peers: Sequence[Endpoint]) -> str | None:
        """What no tracker may answer this peer, whatever was lost: too many, or strangers."""
        if seeders > self.swarm.seeders or leechers > self.swarm.leechers:
            return f"counts {seeders}, {leechers} of {self.swarm.seeders}, {self.swarm.leechers}"
        if not (seeders if self.seeding else leechers):
            return "it is not counted itself"
        if not self.swarm.endpoints.issuperset(peers):
            return "a peer that is not in the swarm"
        if self.endpoint in peers:
            return "its own address"
        return None


class Population(NamedTuple):
    """All of them, in no order."""

    swarms: list[Swarm]
    peers: list[Peer]
    browsers: list[tuple[Swarm, PeerId]]


def population(*, ip: str, swarms: int, peers: int, browsers: int, seed: str) -> Population:
    """Peers of `ip`, told apart by their ports, spread over the swarms; browsers in some of them.

    Args:
        ip: the address that the trackers see.
        swarms: how many.
        peers: over HTTP and UDP, at most 60,000.
        browsers: how many.
        seed: other seeds make other swarms.
    """
    rng = Random(seed)
    made = [Swarm(sha1(f"{seed} {number}".encode()).digest()) for number in range(swarms)]
    packed = pack_ip(ip)
    everybody = []
    for number in range(peers):
        swarm = made[number % swarms]
        port = FIRST_PORT + number
        seeding = rng.random() < SEEDERS
        peer = Peer(swarm, b"-XX0001-%012d" % number, pack(packed, port), port, seeding)
        swarm.endpoints.add(peer.endpoint)
        swarm.seeders += seeding
        swarm.leechers += not seeding
        everybody.append(peer)
    rng.shuffle(everybody)
    shared = max(1, min(swarms, browsers // BROWSERS))
    pages = [(made[number % shared], b"-WW0001-%012d" % number) for number in range(browsers)]
    for swarm, peer_id in pages:
        swarm.browsers.add(peer_id)
    return Population(made, everybody, pages)
