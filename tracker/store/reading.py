"""Three ways to look at one swarm, chosen by its size as last seen.

Small swarms are read fresh and whole. A large one is never read whole: its counts come from
ZCOUNT, and its members from windows of ranks at a random offset. Rank order is
``live seeders | dead of both roles | live leechers``, so seeders are counted from the low end and
leechers from the high end, and what the counts of the same batch show to lie beyond is cut off.

A reading is commands and the meaning of their replies; nothing here does I/O.
"""

from collections.abc import Sequence
from typing import NamedTuple

from tracker.service.ports import Candidates, Member
from tracker.store.phrases import (
    WHOLE,
    ZCOUNT,
    ZRANGE_BY_RANK,
    ZRANGE_BY_RANK_REV,
    ZRANGE_BY_SCORE,
    Tails,
    rank_rev_tail,
    rank_tail,
)
from tracker.store.pipeline import Reply

NOBODY = Candidates((), ())


class Seen(NamedTuple):
    """One family of a swarm, as a reading found it."""

    seeders: int
    leechers: int
    candidates: Candidates
    exact: bool  # False: larger than was read, so the counts are only a lower bound


class Counting:
    """Counts only."""

    replies = 2

    def commands(self, key: bytes, tails: Tails) -> tuple[bytes, ...]:
        """Both ZCOUNTs."""
        return ZCOUNT, key, tails.count_seeders, ZCOUNT, key, tails.count_leechers

    def seen(self, replies: Sequence[Reply]) -> Seen:
        """From [seeders, leechers]."""
        seeders, leechers = replies
        return Seen(seeders, leechers, NOBODY, exact=True)  # type: ignore[arg-type]


class Whole:
    """All live members, in up to `WHOLE` of each role."""

    replies = 2

    def commands(self, key: bytes, tails: Tails) -> tuple[bytes, ...]:
        """A range for each role, one longer than what is taken for whole."""
        return ZRANGE_BY_SCORE, key, tails.seeders, ZRANGE_BY_SCORE, key, tails.leechers

    def seen(self, replies: Sequence[Reply]) -> Seen:
        """From [seeders' members, leechers' members]."""
        seeders: list[Member]
        leechers: list[Member]
        seeders, leechers = replies  # type: ignore[assignment]
        exact = len(seeders) <= WHOLE and len(leechers) <= WHOLE
        return Seen(len(seeders), len(leechers), Candidates(seeders, leechers), exact)


class WholeForSeeder:
    """All live leechers, and the count of the seeders, of whom a seeder has no use."""

    replies = 2

    def commands(self, key: bytes, tails: Tails) -> tuple[bytes, ...]:
        """A count and a range."""
        return ZCOUNT, key, tails.count_seeders, ZRANGE_BY_SCORE, key, tails.leechers

    def seen(self, replies: Sequence[Reply]) -> Seen:
        """From [seeders, leechers' members]."""
        seeders: int
        leechers: list[Member]
        seeders, leechers = replies  # type: ignore[assignment]
        return Seen(seeders, len(leechers), Candidates((), leechers), len(leechers) <= WHOLE)


class Window:
    """A random stretch of each role of a large swarm."""

    replies = 4

    def __init__(self, seeders: int, leechers: int, want: int, seeding: bool, at: float) -> None:
        """Plan it.

        Args:
            seeders, leechers: the counts as last seen.
            want: members to read in all.
            seeding: the asker is a seeder, who is given leechers only.
            at: where, 0.0 ≤ at < 1.0, from a random source.
        """
        share = 0 if seeding else round(want * seeders / max(1, seeders + leechers))
        self._share = share, want - share
        self._start = _start(seeders, share, at), _start(leechers, want - share, at)

    def commands(self, key: bytes, tails: Tails) -> tuple[bytes, ...]:
        """Both counts, both windows; a window of nobody asks for the rank 0 and drops it."""
        (seeders, leechers), (low, high) = self._share, self._start
        return (
            ZCOUNT,
            key,
            tails.count_seeders,
            ZCOUNT,
            key,
            tails.count_leechers,
            ZRANGE_BY_RANK,
            key,
            rank_tail(low, low + max(0, seeders - 1)),
            ZRANGE_BY_RANK_REV,
            key,
            rank_rev_tail(high, high + max(0, leechers - 1)),
        )

    def seen(self, replies: Sequence[Reply]) -> Seen:
        """From [seeders, leechers, a stretch of seeders, a stretch of leechers]."""
        seeders: int
        leechers: int
        low: list[Member]
        high: list[Member]
        seeders, leechers, low, high = replies  # type: ignore[assignment]
        low = low[: max(0, min(self._share[0], seeders - self._start[0]))]
        high = high[: max(0, min(self._share[1], leechers - self._start[1]))]
        return Seen(seeders, leechers, Candidates(low, high), exact=True)


def _start(size: int, share: int, at: float) -> int:
    """Where a stretch of `share` begins: anywhere from rank 0 to where it ends with the last."""
    return int(at * (max(0, size - share) + 1))


EMPTY = Seen(0, 0, NOBODY, exact=True)

Reading = Counting | Whole | WholeForSeeder | Window

COUNTING, WHOLE_READING, WHOLE_FOR_SEEDER = Counting(), Whole(), WholeForSeeder()
