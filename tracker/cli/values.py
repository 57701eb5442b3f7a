"""Types of arguments, for argparse."""

from argparse import ArgumentTypeError
from collections.abc import Callable
from typing import Final

_DAY_S: Final = 86_400  # the system takes much more, but not any number


def seconds(text: str) -> float:
    """An argument: a duration."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= _DAY_S:
        raise ArgumentTypeError(f"must be more than 0 and at most {_DAY_S} seconds: {text!r}")
    return value


def number(most: int) -> Callable[[str], int]:
    """The type of an argument: a number from 0 to `most`."""

    def parse(text: str) -> int:
        if not (text.isascii() and text.isdecimal()) or int(text) > most:
            raise ArgumentTypeError(f"must be a number from 0 to {most}: {text!r}")
        return int(text)

    return parse
