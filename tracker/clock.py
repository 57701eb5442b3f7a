"""The time of day, for those parts that are not handed one."""

import time


def clock() -> int:
    """Unix seconds."""
    return int(time.time())
