"""The entries that an announce may store in its swarm: the budgets of its address."""

from collections.abc import Callable
from time import monotonic

from tracker.metrics import Metrics
from tracker.model import InfoHash
from tracker.policy.accounts import Account, Accounts
from tracker.policy.crowds import ENTER, IGNORE, Crowds, Entry


class Entries:
    """The budgets of entries for one kind of peers.

    Args:
        accounts: of all addresses.
        crowds: endpoints of an address in a swarm.
        metrics: count the refusals.
        clock: monotonic seconds.
        cost: of one entry, as a part of what a peer over HTTP or UDP costs.
    """

    def __init__(
        self,
        accounts: Accounts,
        crowds: Crowds,
        metrics: Metrics,
        clock: Callable[[], float] = monotonic,
        cost: float = 1.0,
    ) -> None:
        self._keep, self._crowd, self._once = accounts.keep_entry, crowds.entry, crowds.once
        self._refused = metrics.refused
        self._clock = clock
        self._cost = cost

    def entry(self, account: Account, info_hash: InfoHash, member: bytes) -> Entry:
        """Return what an announce of `member` from an address may do, and spend its budgets."""
        now = self._clock()
        if not self._keep(account, now, self._cost):
            self._refused["entries", "address"] += 1
            return IGNORE
        if account.only == member:  # as `Crowds.entry` finds, without its call
            return ENTER
        entry = self._crowd(account, info_hash, member, now)
        if entry is not ENTER:
            self._refused["endpoints", "address"] += 1
        return entry

    def completes(self, info_hash: InfoHash, member: bytes) -> bool:
        """Return whether that member may count as a completed download: once in a time to live."""
        return self._once(info_hash, member, self._clock())
