"""The width and the colours of a terminal."""

import io
import os
import pty
import termios
from collections.abc import Iterator
from typing import TextIO

import pytest

from tracker.terminal import RED, Terminal


@pytest.fixture
def stream() -> Iterator[TextIO]:
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "w") as stream:
        yield stream
    os.close(ours)


@pytest.mark.parametrize(
    ("environment", "shown"),
    [
        ({"TERM": "xterm"}, "\x1b[31mwrong\x1b[0m"),
        ({"TERM": "xterm", "NO_COLOR": ""}, "\x1b[31mwrong\x1b[0m"),
        ({"TERM": "xterm", "NO_COLOR": "1"}, "wrong"),
        ({"TERM": "dumb"}, "wrong"),
        ({}, "wrong"),
    ],
)
def test_colours(stream: TextIO, environment: dict[str, str], shown: str) -> None:
    assert shown == Terminal(stream, environment).paint("wrong", RED)


@pytest.mark.parametrize(("columns", "width"), [(160, 160), (5, 40), (0, 80)])
def test_the_width_is_that_of_the_terminal_now(stream: TextIO, columns: int, width: int) -> None:
    terminal = Terminal(stream, {})
    termios.tcsetwinsize(stream.fileno(), (24, columns))
    assert width == terminal.width


def test_what_has_no_terminal_has_80_columns() -> None:
    assert 80 == Terminal(io.StringIO(), {}).width
