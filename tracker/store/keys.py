"""Every key's name, in one place.

=====================  ==========  ============================================================
key                    type        content
=====================  ==========  ============================================================
``4`` + info_hash      sorted set  IPv4 endpoints, 6 bytes -> signed expiry
``6`` + info_hash      sorted set  IPv6 endpoints, 18 bytes -> signed expiry
``w`` + info_hash      sorted set  browsers, peer_id (20) + frontend id (8) -> signed expiry
``c`` + info_hash      sorted set  completed downloads over HTTP and UDP, as below
``C`` + info_hash      sorted set  completed downloads of browsers, as below
``tracker:statistics`` hash        totals of the cluster, written by a worker
=====================  ==========  ============================================================

Signed expiry: Unix seconds, positive for a leecher, negative for a seeder. One ZADD inserts,
refreshes or changes the role; ``-now … now`` are the dead of both roles.

Completed: the empty member's score is the count, negated so that it never looks like a time;
each other member is the peer_id of who completed lately, scored with the second until which it
is remembered, so that a peer counts once. One key, so that a cluster keeps both together.
"""

from tracker.model import Family, InfoHash

STATISTICS = b"tracker:statistics"

COUNT = b""  # the member of a completed set whose score is the negated count

SWARM_TAG = (b"4", b"6", b"w")  # by Family
COMPLETED_TAG = (b"c", b"c", b"C")
KEY_SIZE = 21  # bytes of a swarm's or a completed set's key


def swarm_key(family: Family, info_hash: InfoHash) -> bytes:
    """The sorted set of one swarm's peers of one family."""
    return SWARM_TAG[family] + info_hash


def completed_key(family: Family, info_hash: InfoHash) -> bytes:
    """The sorted set that counts the completed downloads of a swarm."""
    return COMPLETED_TAG[family] + info_hash
