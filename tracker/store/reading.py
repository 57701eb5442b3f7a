"""The ways to look at one swarm, chosen by its size as last seen.

Small swarms are read fresh and whole. A large one is never read whole: its counts come from
ZCOUNT, and its members from windows of ranks at a random offset. Rank order is
``live seeders | dead seeders | completed count | dead leechers | live leechers``, so seeders are
counted from the low end and leechers from the high end, and what the counts of the same batch show
to lie beyond is cut off.
A large swarm that is asked for again within a second gives its members from a sample.

A reading is commands and the meaning of their replies; nothing here does I/O.
"""

from collections.abc import Callable, Sequence
from typing import TypeAlias

from tracker.model import Value
from tracker.policy.selection import Share, stretch
from tracker.service.ports import Candidates, Member
from tracker.store.link import Reply
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

Keep: TypeAlias = Callable[[Candidates], None]

NOBODY = Candidates((), ())
SAMPLE = 300  # members of each role


class Seen(Value, frozen=True):
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
    """A stretch of each role of a large swarm, by rank."""

    replies = 4

    def __init__(self, seeders: int, leechers: int, share: Share, at: float) -> None:
        """Plan it.

        Args:
            seeders, leechers: the counts as last seen.
            share: how many to read of each.
            at: where, 0.0 ≤ at < 1.0, from a random source.
        """
        self._share = share
        self._start = _start(seeders, share[0], at), _start(leechers, share[1], at)

    def commands(self, key: bytes, tails: Tails) -> tuple[bytes, ...]:
        """Both counts, both windows; a window of nobody asks for one rank and drops it."""
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


class Sampling(Window):
    """A longer window, kept for the other announces of the same second."""

    def __init__(self, seeders: int, leechers: int, share: Share, at: float, keep: Keep) -> None:
        """Arguments as of `Window`; `keep` is called with all that was read."""
        super().__init__(seeders, leechers, (min(SAMPLE, seeders), min(SAMPLE, leechers)), at)
        self._asked = share, at
        self._keep = keep

    def seen(self, replies: Sequence[Reply]) -> Seen:
        """As of `Window`; members as of `Sampled`."""
        sample = super().seen(replies).candidates
        self._keep(sample)
        return Sampled(sample, *self._asked).seen(replies[: Sampled.replies])


class Sampled(Counting):
    """Exact counts, and a stretch of each role of what a `Sampling` read this second."""

    def __init__(self, sample: Candidates, share: Share, at: float) -> None:
        """Arguments as of `Window`."""
        self._sample, self._share, self._at = sample, share, at

    def seen(self, replies: Sequence[Reply]) -> Seen:
        """From [seeders, leechers]."""
        seeders: int
        leechers: int
        seeders, leechers = replies  # type: ignore[assignment]
        (low, high), at = self._share, self._at
        candidates = Candidates(
            stretch(self._sample.seeders, low, at), stretch(self._sample.leechers, high, at)
        )
        return Seen(seeders, leechers, candidates, exact=True)


def _start(size: int, length: int, at: float) -> int:
    """Where a stretch of ranks begins: one of the blocks of that length that cover all ranks.

    Blocks, so that the first and the last ranks are met as often as those in the middle.
    """
    if length == 0 or size <= length:
        return 0
    blocks = -(-size // length)
    return min(int(at * blocks) * length, size - length)


EMPTY = Seen(0, 0, NOBODY, exact=True)

Reading = Counting | Whole | WholeForSeeder | Window | Sampled

COUNTING, WHOLE_READING, WHOLE_FOR_SEEDER = Counting(), Whole(), WholeForSeeder()
