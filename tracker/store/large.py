"""What one process remembers of large swarms: their sizes, and the samples of this second."""

from collections import OrderedDict
from functools import partial

from tracker.policy.selection import shares
from tracker.service.ports import Candidates
from tracker.store.phrases import WHOLE
from tracker.store.reading import Reading, Sampled, Sampling, Seen, Window

MOST = 10_000  # swarms

UNREAD = Candidates((), ())  # asked for once this second, by a window
ON_ITS_WAY = Candidates((), ())  # asked for twice, the second time by a sampling


class LargeSwarms:
    """Chooses how to read those that are too large to be read whole.

    The first announce of a swarm in a second reads a window, the second one a sample, and all
    others of that second are served from it: a swarm with many announces a second is asked for
    its members once, and one with few costs no more than it needs.
    """

    def __init__(self) -> None:
        self._sizes: OrderedDict[bytes, tuple[int, int]] = OrderedDict()  # seeders, leechers
        self._second = 0
        self._samples: dict[bytes, Candidates] = {}

    def reading(
        self, key: bytes, want: int, *, seeding: bool, browsers: bool, now_s: int, at: float
    ) -> Reading | None:
        """How to read `want` members; None: the swarm is not known to be large.

        `at` is 0.0 ≤ at < 1.0, from a random source.
        """
        size = self._sizes.get(key)
        if size is None:
            return None
        if now_s != self._second:
            self._second, self._samples = now_s, {}
        sample = self._samples.get(key)
        share = shares(want, *size, seeding, browsers=browsers)
        if sample is None:
            self._samples[key] = UNREAD
        elif sample is UNREAD:
            self._samples[key] = ON_ITS_WAY
            return Sampling(*size, share, at, partial(self._samples.__setitem__, key))
        elif sample is not ON_ITS_WAY:
            return Sampled(sample, share, at)
        return Window(*size, share, at)

    def remember(self, key: bytes, seen: Seen) -> None:
        """Note a swarm's size, if it is large."""
        sizes = self._sizes
        if seen.seeders + seen.leechers > WHOLE:
            if len(sizes) >= MOST and key not in sizes:
                sizes.popitem(last=False)
            sizes[key] = seen.seeders, seen.leechers
        elif key in sizes:
            del sizes[key]
