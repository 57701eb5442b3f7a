"""The changes that announces may make while a Redis server runs out of memory.

Near the limit, peers that are in their swarm are refreshed, and new peers join swarms that exist:
a flood of random info_hashes cannot push them out. Nearer still no peer enters. The rest of the
memory is left to the cluster's own keys.
"""

from enum import IntEnum

from tracker.policy.crowds import ENTER, IGNORE, JOIN, REFRESH, Entry

RELEASE = 0.02  # of maxmemory below the limit, at which peers enter again


class Room(IntEnum):
    """How much room a server has for new peers."""

    AMPLE = 0
    SCARCE = 1  # for swarms that exist
    NONE = 2  # for none
    EXHAUSTED = 3  # the server refuses every write


AMPLE, SCARCE, NONE, EXHAUSTED = Room

WARNINGS = {  # by Room, for operators
    SCARCE: "redis is nearly full: new swarms are not stored",
    NONE: "redis is nearly full: neither new swarms nor new peers are stored",
    EXHAUSTED: "redis is full and refuses writes: peers are not stored",
}
ALLOWED = (ENTER, JOIN, REFRESH, IGNORE)  # by Room, the most that an announce may do


def room(used: int, most: int, limit: float, before: Room, *, evicts: bool) -> Room:
    """Return the room of one server.

    Args:
        used, most: bytes; `most` is 0 if the server has no limit.
        limit: share of `most` above which no new swarms are created.
        before: the room at the last look; a server that was full must fall a little below `limit`.
        evicts: whether the server evicts keys to serve a write at its limit.
    """
    if not most:
        return AMPLE
    share = used / most
    if share >= 1 and not evicts:
        return EXHAUSTED
    if share >= (1 + limit) / 2:
        return NONE
    return SCARCE if share >= limit - (RELEASE if before else 0) else AMPLE


def within(room: Room, entry: Entry) -> Entry:
    """Return what an announce may do that would do `entry` if there were room."""
    return max(entry, ALLOWED[room])
