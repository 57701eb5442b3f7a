"""Data in Redis that cannot be read: one error each, which names the key.

Anything may stand under our keys: another program writes to the same database, an operator makes
a mistake, an attacker has the password. A reader skips what is wrong and goes on with the rest.
"""

import time
from collections.abc import Callable

import structlog

from tracker.errors import Corrupt
from tracker.metrics import Metrics
from tracker.store.keys import KEY_SIZE, TAG_SIZE, info_hash_of
from tracker.store.quiet import Quiet
from tracker.text import printable

log = structlog.get_logger()

QUIET_S = 60.0  # for which a key that was logged is not logged again
MOST_KEYS = 1000  # that are remembered as logged


class Damage:
    """The damage that one process found.

    Args:
        metrics: counts it as store errors of the kind ``corrupt``.
        clock: seconds, monotonic.
    """

    def __init__(self, metrics: Metrics, clock: Callable[[], float] = time.monotonic) -> None:
        self.errors = metrics.store_errors
        self._quiet = Quiet(QUIET_S, MOST_KEYS, clock)

    def found(self, key: bytes, problem: object) -> Corrupt:
        """Count and log damage under `key`; return the error that stands for it."""
        error = Corrupt(key_text(key), printable(str(problem)))
        self.errors["corrupt",] += 1
        if self._quiet.is_due(key):
            log.error("redis.corrupt", key=error.key, problem=error.problem)
        return error


def key_text(key: bytes) -> str:
    """Return a key as an operator can type it; an info_hash is shown in hex."""
    if len(key) == KEY_SIZE and key[1:TAG_SIZE] == b"{:":
        return f"{key[:TAG_SIZE].decode('latin-1')}{info_hash_of(key).hex()}}}"
    return printable(key.decode("latin-1"))
