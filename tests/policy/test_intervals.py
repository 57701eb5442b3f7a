"""When a peer should come back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.policy.intervals import early, spread


@pytest.mark.parametrize(
    ("jitter", "at", "expected"),
    [(0.1, 0.0, 1620), (0.1, 0.5, 1800), (0.1, 0.999, 1980), (0.0, 0.0, 1800), (0.0, 0.9, 1800)],
)
def test_an_interval_is_spread_evenly_around_its_setting(
    jitter: float, at: float, expected: int
) -> None:
    assert expected == spread(1800, jitter, at)


@given(st.integers(1, 10**6), st.floats(0, 0.99), st.floats(0, 1, exclude_max=True))
def test_no_interval_is_further_off_than_the_jitter(
    interval_s: int, jitter: float, at: float
) -> None:
    assert abs(spread(interval_s, jitter, at) - interval_s) <= interval_s * jitter + 0.5


@pytest.mark.parametrize(
    ("interval_s", "at", "expected"),
    [(1800, 0.0, 90), (1800, 0.5, 135), (1800, 0.999, 180), (1, 0.0, 1)],
)
def test_early_is_within_a_tenth_of_the_interval(interval_s: int, at: float, expected: int) -> None:
    assert expected == early(interval_s, at)
