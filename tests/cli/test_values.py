"""Types of arguments."""

from argparse import ArgumentTypeError

import pytest

from tracker.cli.values import number, seconds


def test_numbers_within_their_bounds_are_read() -> None:
    assert (0, 65_535, 0.5) == (number(65_535)("0"), number(65_535)("65535"), seconds("0.5"))


@pytest.mark.parametrize("text", ["", "-1", "65536", "1.5", "x", "²", "1_0"])
def test_other_numbers_are_refused(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match="must be a number from 0 to 65535"):
        number(65_535)(text)


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "1e300", "x", ""])
def test_a_duration_is_a_positive_number(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match="must be more than 0"):
        seconds(text)
