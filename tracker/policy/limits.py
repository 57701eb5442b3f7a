"""The rate limit of one socket: cheap, bounded, and without the clock."""

from tracker.policy.accounts import Rate


class Pace:
    """One rate limit for many sockets, each of which keeps a single number.

    The number is the time until which the socket has spent its budget (the generic cell rate
    algorithm, as in `tracker.policy.accounts`). A socket over its budget waits until then, so a
    request whose cost is known only after it was read may be charged afterwards.
    """

    __slots__ = ("_step_s", "_window_s")

    def __init__(self, rate: Rate) -> None:
        self._step_s, self._window_s = rate.step_s, rate.window_s

    def spend(self, spent_until: float, units: int, now: float) -> float:
        """Return until when the budget is spent after `units` more at the time `now`."""
        full_at = now - self._window_s
        if spent_until < full_at:
            spent_until = full_at
        return spent_until + units * self._step_s
