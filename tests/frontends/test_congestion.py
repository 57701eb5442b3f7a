"""The queue to Redis: how much room it has, and when it is far too long."""

import pytest

from tracker.frontends.congestion import LATE_S, Congestion


class Requests:
    """A queue with a number of requests in it."""

    def __init__(self, in_flight: int, oldest_at: float = 0.0) -> None:
        self.in_flight = in_flight
        self.oldest_at = oldest_at


@pytest.mark.parametrize(
    ("in_flight", "room", "severe"),
    [(0, 100, False), (100, 0, False), (101, -1, False), (400, -300, False), (401, -301, True)],
)
def test_a_queue_has_room_for_some_requests(in_flight: int, room: int, severe: bool) -> None:
    congestion = Congestion(Requests(in_flight), 100)
    assert (room, severe) == (congestion.room(), congestion.severe())


@pytest.mark.parametrize(
    ("in_flight", "waited_s", "late"),
    [(101, LATE_S + 0.001, True), (100, LATE_S + 0.001, False), (10_000, LATE_S, False)],
)
def test_it_is_late_if_many_requests_wait_for_long(
    in_flight: int, waited_s: float, late: bool
) -> None:
    now = 1000.0
    assert late == Congestion(Requests(in_flight, now - waited_s), 100).late(now)
