"""How much one client may ask: cheap, bounded, and without the clock."""

from tracker.model import Ip


class Bucket:
    """A token bucket: `rate` a second on average, `burst` at once."""

    __slots__ = ("_at", "_level")

    def __init__(self, burst: float, now: float) -> None:
        self._level, self._at = burst, now

    def take(self, rate: float, burst: float, now: float) -> bool:
        """Take one token at the time `now`, in seconds; False: there is none."""
        level = min(burst, self._level + (now - self._at) * rate)
        self._at = now
        if level < 1:
            self._level = level
            return False
        self._level = level - 1
        return True


class PerAddress:
    """Counts each address's requests in the current second; 0 = no limit.

    The table is dropped with its second, so it is as large as one second's addresses.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._second = 0
        self._counts: dict[Ip, int] = {}

    def allows(self, ip: Ip, now_s: int) -> bool:
        """Count one request of `ip` in the second `now_s`."""
        if not self._most:
            return True
        if now_s != self._second:
            self._second, self._counts = now_s, {}
        count = self._counts.get(ip, 0) + 1
        self._counts[ip] = count
        return count <= self._most
