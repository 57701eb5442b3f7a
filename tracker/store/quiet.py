"""Log lines that would repeat: each is due once, and again after a while."""

from collections.abc import Callable, Hashable


class Quiet:
    """Decides which lines are due.

    Args:
        period_s: seconds between two lines with the same key.
        most: keys that are remembered. While all of them are recent, no further key is due.
        clock: seconds, monotonic.
    """

    def __init__(self, period_s: float, most: int, clock: Callable[[], float]) -> None:
        self._period_s = period_s
        self._most = most
        self._clock = clock
        self._until: dict[Hashable, float] = {}

    def is_due(self, key: Hashable) -> bool:
        """Return whether to log the line of `key` now; if so, it is not due for a period."""
        now, known = self._clock(), self._until
        if now < known.get(key, 0.0):
            return False
        if len(known) >= self._most:
            self._until = known = {each: at for each, at in known.items() if now < at}
        if len(known) >= self._most:
            return False
        known[key] = now + self._period_s
        return True
