"""Keeps the queue to Redis short: what waits in it is answered late, and in the order of arrival.

An announce in a large, crowded swarm takes a frontend longer to answer than to send to Redis, so a
flood of them would wait there, in front of the requests of good clients.
"""

from typing import Protocol

LATE_S = 0.01  # of waiting
TCP_PART = 4  # times the room: sockets over TCP wait for their turns, so they go on for longer


class Queue(Protocol):
    """The part of `tracker.store.topology.Redis` that this module needs."""

    @property
    def in_flight(self) -> int:
        """How many requests wait for replies."""

    @property
    def oldest_at(self) -> float:
        """When the oldest of them was sent, by the loop's clock; inf: none waits."""


class Congestion:
    """The queue of one process.

    Args:
        queue: to Redis.
        most: requests in it, above which UDP sockets choose what they serve.
    """

    def __init__(self, queue: Queue, most: int) -> None:
        self._queue = queue
        self._most = most

    def late(self, now: float) -> bool:
        """Return whether too many requests wait, and for too long: a burst alone does no harm."""
        return self._queue.in_flight > self._most and now - self._queue.oldest_at > LATE_S

    def room(self) -> int:
        """Return how many more requests may wait; negative if too many do."""
        return self._most - self._queue.in_flight

    def severe(self) -> bool:
        """Return whether one request over TCP in an iteration of the event loop is enough."""
        return self._queue.in_flight > TCP_PART * self._most
