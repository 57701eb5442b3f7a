"""The ring of UDP secrets, and when it turns.

Ids are made with the current secret and taken if made with any of the three. The next one is told
to all a whole period before it is used, so a frontend that lags behind knows it in time.
"""

from typing import NamedTuple


class Ring(NamedTuple):
    """Secrets of 32 bytes."""

    previous: bytes  # empty: there was none
    current: bytes
    next: bytes
    since: int  # Unix seconds of the last turn


def accepted(ring: Ring) -> tuple[bytes, ...]:
    """The secrets to check ids with, the likely ones first; the first one makes them."""
    return tuple(filter(None, (ring.current, ring.next, ring.previous)))


def due(ring: Ring, now_s: int, period_s: int) -> bool:
    """Whether it should turn; also when it was turned by a clock that was far ahead."""
    return abs(now_s - ring.since) >= period_s


def turned(ring: Ring, fresh: bytes, now_s: int) -> Ring:
    """The ring after its turn, with a fresh secret as the next one."""
    return Ring(ring.current, ring.next, fresh, now_s)
