"""Bounds the work of one iteration of the event loop, and shares it out between addresses.

The loop serves all sockets that are readable before it comes back to the first. One address with a
thousand busy connections would keep all other clients waiting. So requests are served for a short
time in each iteration; the others wait here, in the order of `tracker.policy.rounds`.
"""

import asyncio
from collections.abc import Callable
from time import monotonic

from tracker.policy.accounts import Account
from tracker.policy.rounds import Rounds

CREDIT_S = 0.001  # of work that an address causes in a round before it has to wait for the others


class Turns:
    """The turns of one process. Each connection waits for at most one turn.

    Args:
        time_s: seconds of work in one iteration of the event loop.
        congested: whether so many requests wait for Redis that one in an iteration is enough.
    """

    def __init__(self, time_s: float, congested: Callable[[], bool] = lambda: False) -> None:
        self._time_s = time_s
        self._congested = congested
        self._loop = asyncio.get_running_loop()
        self._ends = 0.0  # of this iteration's time; 0: no turn was asked for in it
        self.while_waiting: set[Callable[[], None]] = set()  # called once in each such iteration
        self._waiting: Rounds[Account, Callable[[], None]] = Rounds(CREDIT_S)

    def __len__(self) -> int:
        """How many wait."""
        return self._waiting.size

    def take(self) -> bool:
        """Take a turn now; False: no time is left, so `wait` for one."""
        if not self._ends:
            self._begin()
        elif self._waiting.size or monotonic() >= self._ends:
            return False
        return True

    def charge(self, seconds: float) -> None:
        """Count work that a request causes after its turn."""
        if not self._ends:
            self._begin()
        self._ends -= seconds

    def wait(self, account: Account, go_on: Callable[[], None]) -> None:
        """Call `go_on` in a later iteration, with its turn taken."""
        if not self._ends:
            self._begin()
        self._waiting.add(account, go_on)

    def _begin(self) -> float:
        """Begin the time of this iteration; return now. Only callbacks tell of the next one."""
        now = monotonic()
        self._ends = now if self._congested() else now + self._time_s
        self._loop.call_soon(self._next)
        return now

    def _next(self) -> None:
        """Let those that wait go on, one at least, until the time of this iteration is over."""
        self._ends = 0.0
        if not self._waiting.size:
            return
        now = self._begin()
        while True:
            begun, ends = now, self._ends
            go_on = self._waiting.next()
            try:
                go_on()
            finally:
                now = monotonic()
                self._waiting.spend(now - begun + ends - self._ends)
            if not self._waiting.size or now >= self._ends:
                break
        for call in self.while_waiting:
            call()
