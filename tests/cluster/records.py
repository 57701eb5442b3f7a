"""What became of each request, and what tests want to know of many."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from tracker.model import InfoHash

Protocol = Literal["http", "kept", "udp", "ws"]  # kept: HTTP on connections that are used again

SILENCE = "silence"  # the failure of who was not answered in time
CLOSED = "closed"  # of a browser whose socket was closed meanwhile


class Outcome(NamedTuple):
    """Of one announce. Times are seconds of the monotonic clock."""

    at_s: float  # when it was sent
    took_s: float
    protocol: Protocol
    frontend: str  # the name of the one that was asked
    info_hash: InfoHash
    failure: str | None = None  # None: a good answer
    whole: bool = False  # the answer counted the whole swarm
    interval_s: int = 0

    @property
    def until_s(self) -> float:
        """When it was answered, or given up."""
        return self.at_s + self.took_s


class Absence(NamedTuple):
    """A browser without a socket, from when it was lost to the first answer on a new one."""

    since_s: float
    until_s: float
    left: str  # the name of the frontend
    joined: str

    @property
    def took_s(self) -> float:
        """How long it was away."""
        return self.until_s - self.since_s


class Delivery(NamedTuple):
    """An offer that arrived."""

    at_s: float  # when it was sent
    took_s: float
    left: str  # the frontend of who offers
    joined: str  # and of who got it
    taker: bytes  # its peer_id


def failed(outcomes: Iterable[Outcome]) -> list[Outcome]:
    """Those without a good answer."""
    return [each for each in outcomes if each.failure is not None]


def failures(outcomes: Iterable[Outcome]) -> Counter[tuple[str, str, str]]:
    """Count the failures by frontend, protocol and reason, for the message of an assertion."""
    return Counter(
        (each.frontend, each.protocol, each.failure)
        for each in outcomes
        if each.failure is not None
    )


def longest_gap_s(outcomes: Iterable[Outcome]) -> float:
    """The longest time that a swarm's peers had no good answer, but failures.

    From the sending of the first that failed to the arrival of the first good answer to one sent
    later; 0: nothing failed. A gap without an end is infinite.
    """
    since: dict[InfoHash, float] = {}
    longest = 0.0
    for each in sorted(outcomes, key=lambda each: each.at_s):
        if each.failure is not None:
            since.setdefault(each.info_hash, each.at_s)
        elif each.info_hash in since:
            longest = max(longest, each.until_s - since.pop(each.info_hash))
    return math.inf if since else longest


def quantile_s(durations: Sequence[float], part: float) -> float:
    """The duration that this part of them does not exceed."""
    assert durations
    return sorted(durations)[math.ceil(part * len(durations)) - 1]
