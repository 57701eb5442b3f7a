"""Scrapes: a bounded number waits for the database, and denied torrents look like unknown ones."""

from collections.abc import Callable, Sequence

from tracker.errors import Overloaded, TrackerError
from tracker.metrics import Metrics
from tracker.model import Counts, Family, InfoHash
from tracker.policy.access import OPEN, AccessLists
from tracker.policy.scrapes import Scrapes
from tracker.service.ports import Swarms

UNKNOWN = Counts(0, 0, 0)

Done = Callable[[list[Counts] | TrackerError], None]


class Scraping:
    """The scrapes of one kind of peers.

    Args:
        swarms: are counted.
        access: says which torrents are served.
        scrapes: bounds those that wait.
        metrics: count the refusals.
    """

    def __init__(
        self, swarms: Swarms, access: AccessLists, scrapes: Scrapes, metrics: Metrics
    ) -> None:
        self._swarms = swarms
        self._access = access
        self._scrapes = scrapes
        self._refused = metrics.refused

    def scrape(
        self, info_hashes: Sequence[InfoHash], family: Family, now_s: int, done: Done
    ) -> None:
        """Count swarms, in the order asked.

        Raises:
            Overloaded: too many info_hashes wait for the database.
            Unavailable: see `tracker.service.ports`.
        """
        size = len(info_hashes)
        if not self._scrapes.begin(size):
            self._refused["scrapes", "process"] += 1
            raise Overloaded("the tracker is overloaded")

        def scraped(result: list[Counts] | TrackerError) -> None:
            self._scrapes.end(size)
            current = self._access.current
            if current is not OPEN and not isinstance(result, TrackerError):
                pairs = zip(info_hashes, result, strict=True)
                result = [counts if current.allows(each) else UNKNOWN for each, counts in pairs]
            done(result)

        try:
            self._swarms.scrape(info_hashes, family, now_s, scraped)
        except TrackerError:
            self._scrapes.end(size)
            raise
