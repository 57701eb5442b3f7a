"""A limited number of places, which addresses share equally, and a queue for them."""

from typing import Generic, NamedTuple, TypeVar

from tracker.model import Ip
from tracker.policy.connections import to_shed

T = TypeVar("T")


class Entry(NamedTuple, Generic[T]):
    """The decision on a new handshake."""

    starts: bool  # it has a place; otherwise it waits
    cut: T | None  # the item that lost its place to it


class Places(Generic[T]):
    """A limited number of places, and what waits for one.

    One address may take all places while no other wants one. Once all are taken, an address with
    few places takes one from the address with the most. Addresses that wait take turns.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._holders: dict[T, tuple[Ip, float]] = {}  # address and start, the oldest first
        self._held: dict[Ip, dict[T, None]] = {}  # the holders of an address, the oldest first
        self._waiting: dict[Ip, dict[T, None]] = {}  # the address whose turn is next first

    def __len__(self) -> int:
        """Return the number of places taken."""
        return len(self._holders)

    def enter(self, item: T, ip: Ip, now: float) -> Entry[T]:
        """Add a newcomer of an address: it gets a place, or waits."""
        if len(self._holders) < self._most:
            self._hold(item, ip, now)
            return Entry(starts=True, cut=None)
        held = list(self._held.values())
        at = to_shed(len(self._held.get(ip, ())), [len(each) for each in held])
        if at is None:
            self._waiting.setdefault(ip, {})[item] = None
            return Entry(starts=False, cut=None)
        cut = next(iter(held[at]))
        self._release(cut)
        self._hold(item, ip, now)
        return Entry(starts=True, cut=cut)

    def leave(self, item: T, ip: Ip, now: float) -> T | None:
        """Remove an item that ended; return the waiting one that gets its place, if any."""
        if item not in self._holders:  # it waits, or lost its place
            self._stop_waiting(item, ip)
            return None
        self._release(item)
        if not self._waiting:
            return None
        ip, queue = next(iter(self._waiting.items()))
        successor = next(iter(queue))
        del self._waiting[ip], queue[successor]
        if queue:
            self._waiting[ip] = queue  # behind the other addresses
        self._hold(successor, ip, now)
        return successor

    def oldest(self) -> tuple[T, float] | None:
        """Return the oldest holder and its start; None if nothing waits for its place."""
        if not self._waiting:
            return None
        item, (_, started_at) = next(iter(self._holders.items()))
        return item, started_at

    def _hold(self, item: T, ip: Ip, now: float) -> None:
        self._holders[item] = ip, now
        self._held.setdefault(ip, {})[item] = None

    def _release(self, item: T) -> None:
        ip, _ = self._holders.pop(item)
        of_address = self._held[ip]
        del of_address[item]
        if not of_address:
            del self._held[ip]

    def _stop_waiting(self, item: T, ip: Ip) -> None:
        queue = self._waiting.get(ip)
        if queue is not None and item in queue:
            del queue[item]
            if not queue:
                del self._waiting[ip]
