"""A store that has only bad news."""

from collections.abc import Callable, Sequence

from tracker.errors import TrackerError
from tracker.model import Counts, Family, InfoHash
from tracker.service.ports import Member, Plan, View


class BrokenSwarms:
    """Swarms whose requests all come to the same error: raised, or given to the callback."""

    def __init__(self, error: TrackerError, *, at_once: bool) -> None:
        self._error = error
        self._at_once = at_once

    def announce(self, plan: Plan, now_s: int, done: Callable[[View | TrackerError], None]) -> None:
        """As the port says."""
        self._fail(done)

    def scrape(
        self,
        info_hashes: Sequence[InfoHash],
        family: Family,
        now_s: int,
        done: Callable[[list[Counts] | TrackerError], None],
    ) -> None:
        """As the port says."""
        self._fail(done)

    def find(
        self,
        info_hash: InfoHash,
        members: Sequence[Member],
        now_s: int,
        done: Callable[[list[Member] | TrackerError], None],
    ) -> None:
        """As the port says."""
        self._fail(done)

    def leave(self, info_hash: InfoHash, family: Family, member: Member) -> None:
        """Lose the removal."""

    def _fail(self, done: Callable[[TrackerError], None]) -> None:
        if self._at_once:
            raise self._error
        done(self._error)

    def damaged(self, info_hash: InfoHash, family: Family) -> TrackerError:
        """Nothing is found, since there is no answer."""
        return self._error
