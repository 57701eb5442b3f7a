"""How many endpoints of one address a swarm holds, in constant memory.

An exact count would cost as much memory as the swarms themselves. Here a Bloom filter remembers
which endpoints announced, and two rows of counters (a count-min sketch) how many of one address did
so in one swarm. Both are emptied once in the time to live of a peer. The first endpoint of an
address is not counted, since most addresses have no other. An endpoint that the filter takes for
another one is not counted, but it cannot enter either once its address is crowded; counts are too
high only when there are millions of endpoints. Python's hash of bytes is keyed at random for each
process, so a client cannot choose endpoints that collide.
"""

from array import array
from enum import IntEnum

from tracker.model import InfoHash
from tracker.policy.accounts import Account

CELLS = 1 << 20  # per row; 2 bytes each
LEAST = 20  # endpoints of an address in a swarm, at one of many frontends
# Each of several frontends accepts this many times its part, since endpoints are never spread
# evenly: with 16 endpoints and two frontends, one gets more than 9 in 45 % of all cases.
UNEVEN = 2
MOST = 0xFFFF  # that a cell counts
SEVERAL = b""  # for an address with several endpoints
BITS = 1 << 25  # of the filter
BIT = tuple(1 << number for number in range(8))


class Entry(IntEnum):
    """The change that an announce may make to the swarm's set, the largest first."""

    ENTER = 0  # insert the peer, or refresh it
    JOIN = 1  # refresh the peer, or insert it if the swarm has other members
    REFRESH = 2  # refresh the peer if it is there
    IGNORE = 3  # leave the set as it is: the peer's entry expires


ENTER, JOIN, REFRESH, IGNORE = Entry


class Crowds:
    """Endpoints per address and swarm.

    Args:
        most: endpoints of one address that one swarm may hold.
        period_s: after which counting begins again; the time to live of an entry. In the worst
            case a swarm holds the endpoints of two periods.
        least: endpoints of one address in one swarm that each of many frontends accepts, if `most`
            allows them.
    """

    def __init__(self, most: int, period_s: float, least: int = LEAST) -> None:
        self._all = self._most = min(most, MOST)
        self._least = min(self._all, least)
        self._period_s = period_s
        self._until = 0.0
        self._clear()

    def share_among(self, frontends: int) -> None:
        """Apply this frontend's part: each of them sees some of an address's endpoints."""
        part = -(-UNEVEN * self._all // frontends)
        self._most = min(self._all, max(part, self._least))

    def _clear(self) -> None:
        self._rows = array("H", bytes(2 * CELLS)), array("H", bytes(2 * CELLS))
        self._seen = bytearray(BITS // 8)

    def entry(self, account: Account, info_hash: InfoHash, member: bytes, now: float) -> Entry:
        """Count an announce, and return what it may do.

        Args:
            account: the member's address.
            info_hash: the swarm.
            member: what tells it from all other members of the swarm.
            now: seconds of a clock that never goes back.
        """
        only = account.only
        if only == member:
            return ENTER
        if only != SEVERAL:
            account.only = member if only is None else SEVERAL
            if only is None:
                return ENTER
        self._begin(now)
        bit = hash(info_hash + member) & (BITS - 1)
        seen = self._seen[bit >> 3] & BIT[bit & 7]
        if seen and not account.crowded:
            return ENTER
        cell = hash(info_hash + account.key)
        places = cell & (CELLS - 1), (cell >> 24) & (CELLS - 1)
        count = min(row[place] for row, place in zip(self._rows, places, strict=True))
        if count >= self._most:
            account.crowded = True
            return REFRESH if seen else IGNORE
        if not seen:
            self._seen[bit >> 3] |= BIT[bit & 7]
            for row, place in zip(self._rows, places, strict=True):
                row[place] = min(row[place] + 1, MOST)
        return ENTER

    def _begin(self, now: float) -> None:
        """Begin a period if it is time."""
        if now >= self._until:
            self._until = now + self._period_s
            self._clear()

    def once(self, info_hash: InfoHash, member: bytes, now: float) -> bool:
        """Return whether this is the first call for a member of a swarm in this period."""
        self._begin(now)
        bit = hash(member + info_hash) & (BITS - 1)  # in another order than above
        first = not self._seen[bit >> 3] & BIT[bit & 7]
        self._seen[bit >> 3] |= BIT[bit & 7]
        return first
