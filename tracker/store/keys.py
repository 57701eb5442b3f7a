"""Every key's name, in one place.

===========================  ==========  ========================================================
key                          type        content
===========================  ==========  ========================================================
``4{:`` + info_hash + ``}``  sorted set  IPv4 endpoints, 6 bytes -> signed expiry
``6{:`` + info_hash + ``}``  sorted set  IPv6 endpoints, 18 bytes -> signed expiry
``w{:`` + info_hash + ``}``  sorted set  browsers, peer_id (20) + frontend id (8) -> signed expiry
``tracker:statistics``       hash        the cluster in numbers, see `tracker.store.census`
``tracker:history``          sorted set  points of the last day -> begin of their period, Unix s
``tracker:recent``           sorted set  points of the last hour, likewise
``tracker:frontends``        sorted set  frontend id (8) -> Unix second at which it counts as dead
``tracker:facts:`` + hex id  string      what a frontend tells of itself, msgpack
``tracker:epoch:`` + number  string      the mark of one primary's data, see `tracker.store.epochs`
``tracker:relay:`` + hex id  channel     frames to a frontend, see `tracker.wire.relay`
``tracker:access:`` + source hash        its lists that are in force, see `tracker.store.access`
``tracker:access:`` + part   string      info_hashes of one version of one of them, 20 bytes each
``tracker:secrets``          hash        the ring of UDP secrets, see `tracker.policy.secrets`
``{tracker:lease:NAME}``     string      who does a background job; with ``:token``: its last token
===========================  ==========  ========================================================

The braces keep all keys of one info_hash in one slot of a Redis Cluster: an announce is one
request to one server. (The colon: a tag must not be empty, and an info_hash may begin with a
closing brace.)

Signed expiry: Unix seconds, positive for a leecher, negative for a seeder. One ZADD inserts,
refreshes or changes the role; ``-now … now`` are the dead of both roles.

Completed downloads of a swarm: the score of the empty member of the same sorted set. A count is
smaller than `LEAST_TIME` and never looks like an expiry. It lives exactly as long as the swarm, and
costs a few bytes where a key of its own would cost 140.
"""

from binascii import crc_hqx

from tracker.model import Family, FrontendId, InfoHash

STATISTICS = b"tracker:statistics"
HISTORY = b"tracker:history"
RECENT_HISTORY = b"tracker:recent"
FRONTENDS = b"tracker:frontends"
SECRETS = b"tracker:secrets"

COUNT = b""  # the member of a swarm whose score is the number of completed downloads
LEAST_TIME = 1_000_000_000  # Unix seconds; every expiry is greater, every count is smaller

SWARM_TAG = (b"4{:", b"6{:", b"w{:")  # by Family
TAG_SIZE = 3
KEY_SIZE = 24  # bytes of a swarm's key
SLOTS = 16384  # of a Redis Cluster


def swarm_key(family: Family, info_hash: InfoHash) -> bytes:
    """The sorted set of one swarm's peers of one family."""
    return SWARM_TAG[family] + info_hash + b"}"


def info_hash_of(key: bytes) -> InfoHash:
    """Whose swarm a key is."""
    return key[TAG_SIZE:-1]


def slot(key: bytes) -> int:
    """The slot of a Redis Cluster that has `key` (Redis Cluster specification, "Hash tags")."""
    start = key.find(b"{") + 1
    if start:
        end = key.find(b"}", start)
        if end > start:
            key = key[start:end]
    return crc_hqx(key, 0) % SLOTS


def facts_key(frontend: FrontendId) -> bytes:
    """What a frontend tells of itself."""
    return b"tracker:facts:" + frontend.hex().encode()


def epoch_key(number: int) -> bytes:
    """A mark of the data; numbers fall on all primaries alike."""
    return b"tracker:epoch:%d" % number


def access_key(source: str) -> bytes:
    """Which access lists of one source are in force."""
    return f"tracker:access:{source}".encode()


def access_part_key(name: str, version: str, part: int) -> bytes:
    """A part of one version of an access list; parts fall on all primaries alike."""
    return f"tracker:access:{name}:{version}:{part}".encode()


def relay_channel(frontend: FrontendId) -> bytes:
    """Where a frontend hears what the others tell it."""
    return b"tracker:relay:" + frontend.hex().encode()


def lease_keys(name: str) -> tuple[bytes, bytes]:
    """Who holds a lease, and its last token; in one slot."""
    holder = b"{tracker:lease:%b}" % name.encode()
    return holder, holder + b":token"
