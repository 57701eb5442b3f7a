"""Clients that announce over both IPv4 and IPv6, recognised in constant memory.

Such a client announces each of its two endpoints by itself, with the same peer_id and key. A table
holds the endpoints announced last, so the later announce finds the endpoint of the earlier one. It
is a cache: newer announces replace older ones, and a client that is not found is served as two.

Peers learn each other's peer_id, but not the key. Even so, what is found changes only the answer to
the announce that finds it. Python's hash of bytes is keyed at random for each process, so a client
cannot choose the place of another one.
"""

from struct import Struct
from typing import Final

from tracker.model import IPV4_SIZE, STOPPED, Announce, Counts, Endpoint, Value

CLIENTS: Final = 1 << 16  # 4 MiB

# For each family: the client's hash, the expiry (Unix seconds, negative for a seeder, as in Redis),
# and the endpoint. A record has both families, and the size of a cache line: most of the time of an
# announce here goes into reaching its memory, and a list of objects takes twice as long.
_IPV4: Final = Struct("=qq6s2x")
_IPV6: Final = Struct("=qq18s")
_RECORD: Final = 64  # bytes
_WORD: Final = 8


class Listed(Value, frozen=True):
    """An endpoint with which a client is in a swarm."""

    endpoint: Endpoint
    seeding: bool


class DualStack:
    """The endpoints announced last.

    Args:
        ttl_s: seconds for which an announce keeps an endpoint in its swarm.
        clients: the most to remember; a power of two.
    """

    def __init__(self, ttl_s: int, clients: int = CLIENTS) -> None:
        self._ttl_s = ttl_s
        self._table = bytearray(clients * _RECORD)
        self._words = memoryview(self._table).cast("q")
        self._places = (clients - 1) * _RECORD  # the bits of a hash that are the place of a record

    def note(self, announce: Announce, now_s: int) -> Listed | None:
        """Remember an announce that has a key and enters its swarm, or leaves it.

        Returns:
            The same client's endpoint of the other family, if it is known and still listed. None
            for a client that leaves.
        """
        client = hash((announce.info_hash, announce.peer_id, announce.key))
        endpoint, leaves = announce.endpoint, announce.event is STOPPED
        expiry = 0 if leaves else now_s + self._ttl_s
        own = client & self._places
        if len(endpoint) == IPV4_SIZE:
            layout, other_layout, other = _IPV4, _IPV6, own + _IPV4.size
        else:
            layout, other_layout, other, own = _IPV6, _IPV4, own, own + _IPV4.size
        layout.pack_into(
            self._table, own, client, -expiry if announce.seeding else expiry, endpoint
        )
        if leaves or self._words[other // _WORD] != client:
            return None
        _, expiry, endpoint = other_layout.unpack_from(self._table, other)
        return Listed(endpoint, expiry < 0) if abs(expiry) > now_s else None

    def clear(self) -> None:
        """Forget all endpoints: the swarms were lost."""
        self._table[:] = bytes(len(self._table))


def counted_once(counts: Counts, other: Listed) -> Counts:
    """Return the counts of a swarm that holds a client twice, with the client in them once."""
    seeders, completed, leechers = counts
    if other.seeding:
        return Counts(max(0, seeders - 1), completed, leechers)
    return Counts(seeders, completed, max(0, leechers - 1))
