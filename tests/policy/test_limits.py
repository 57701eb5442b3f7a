"""The rate limit of one socket."""

from hypothesis import given
from hypothesis import strategies as st

from tracker.policy.accounts import NEVER, Rate
from tracker.policy.limits import Pace


def test_a_burst_is_spent_at_once_and_refills_at_the_rate() -> None:
    pace = Pace(Rate(per_second=2, burst=4))
    spent_until = pace.spend(NEVER, 4, now=100.0)
    assert 100.0 == spent_until
    assert 100.5 == pace.spend(spent_until, 1, now=100.0)
    assert 102.5 == pace.spend(spent_until, 2, now=103.5)


def test_an_idle_socket_saves_up_no_more_than_the_burst() -> None:
    pace = Pace(Rate(per_second=2, burst=4))
    assert 1e6 == pace.spend(100.0, 4, now=1e6)


def test_a_request_may_cost_more_than_the_burst() -> None:
    pace = Pace(Rate(per_second=2, burst=4))
    assert 110.0 == pace.spend(NEVER, 24, now=100.0)


@given(
    rate=st.integers(1, 50),
    burst=st.integers(1, 50),
    pauses=st.lists(st.integers(0, 1000), max_size=100),
)
def test_no_socket_exceeds_its_burst_and_its_rate_by_more_than_one_request(
    rate: int, burst: int, pauses: list[int]
) -> None:
    pace, spent_until, now, served = Pace(Rate(rate, burst)), NEVER, 0.0, 0
    for pause_ms in pauses:
        now += pause_ms / 1000
        if spent_until <= now:
            spent_until = pace.spend(spent_until, 1, now)
            served += 1
        assert served <= burst + rate * now + 1 + 1e-6
