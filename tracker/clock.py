"""The clocks of this machine."""

import time
from typing import Final

_STARTED_US: Final = (time.time_ns() - time.monotonic_ns()) // 1000


def clock() -> int:
    """Unix seconds."""
    return int(time.time())


def steady_us() -> int:
    """Return Unix microseconds that never go back: the time of day at the start, and time since.

    A correction of the machine's clock after the start does not change it.
    """
    return _STARTED_US + time.monotonic_ns() // 1000
