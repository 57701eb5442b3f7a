"""Why a Redis server cannot be used: one line in the log, and one for the user of a command."""

import time
from collections.abc import Callable
from typing import Final

import structlog

from tracker.errors import Unavailable

log = structlog.get_logger()

QUIET_S: Final = 60.0  # between two lines with the same error
LOGIN_ERRORS: Final = ("WRONGPASS", "NOAUTH")
LOGIN_HINT: Final = "check the user and the password in TRACKER_REDIS_URL"


class NotAdmitted(Unavailable):
    """Redis answered the greeting of a connection with an error, such as WRONGPASS."""


class Trouble:
    """The trouble with one server since its last connection.

    Args:
        clock: seconds, monotonic.

    Attributes:
        text: one line for the user of a command; empty without trouble.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.text = ""
        self._clock = clock
        self._logged = ""
        self._quiet_until = 0.0

    def add(self, address: object, error: Exception) -> None:
        """Log `error`, unless the log has the same line from the last minute."""
        refused = isinstance(error, NotAdmitted)
        why = str(error) or "no answer in time"
        self.text = f"Redis at {address} {'refused' if refused else 'is away'}: {why}"
        now = self._clock()
        if why == self._logged and now < self._quiet_until:
            return
        self._logged, self._quiet_until = why, now + QUIET_S
        hint = {"hint": LOGIN_HINT} if refused and why.startswith(LOGIN_ERRORS) else {}
        log.warning("redis.away", address=str(address), error=why, **hint)

    def end(self) -> None:
        """Forget the trouble: the server is connected."""
        self.text = self._logged = ""
