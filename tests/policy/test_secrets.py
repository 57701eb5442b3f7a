"""The ring of UDP secrets, and when it turns."""

import pytest

from tracker.policy.secrets import Ring, accepted, due, turned

RING = Ring(b"a", b"b", b"c", 1000)


def test_a_secret_is_told_before_it_is_used_and_taken_after() -> None:
    later = turned(RING, b"d", 2000)
    assert Ring(b"b", b"c", b"d", 2000) == later
    assert b"c" in accepted(RING)
    assert b"c" == accepted(later)[0]
    assert b"c" in accepted(turned(later, b"e", 3000))


def test_what_there_is_not_is_not_taken() -> None:
    assert (b"b", b"c") == accepted(RING._replace(previous=b""))


@pytest.mark.parametrize(
    ("now_s", "expected"), [(1000, False), (1099, False), (1100, True), (901, False), (900, True)]
)
def test_it_turns_after_its_period_also_by_a_clock_that_was_wrong(
    now_s: int, expected: bool
) -> None:
    assert expected == due(RING, now_s, 100)
