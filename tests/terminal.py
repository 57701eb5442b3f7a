"""A program on a terminal of its own, which the test can resize, type on and close."""

import os
import pty
import re
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Self

from tests.tools import MORTAL

DEADLINE_S = 20.0

_LAUNCHER = """
import os, signal, sys
os.login_tty(int(sys.argv[1]))
for number in filter(None, sys.argv[2].split(",")):
    signal.signal(int(number), signal.SIG_IGN)
os.execv(sys.executable, [sys.executable, *sys.argv[3:]])
"""


class Terminal:
    """The controlling terminal of a Python program, whose session the program leads."""

    def __init__(
        self,
        *arguments: str,
        ignored: tuple[int, ...] = (),
        size: tuple[int, int] = (80, 24),
        environment: Mapping[str, str] | None = None,
        directory: Path | None = None,
    ) -> None:
        """Start the program.

        Args:
            arguments: of Python.
            ignored: signals that the program ignores from its start.
            size: columns and lines.
            environment: added to that of the tests, of which no ``TRACKER_…`` is handed on.
            directory: in which the program runs; default: that of the tests.
        """
        self.shown = Shown(*size)
        self._ours, theirs = pty.openpty()
        termios.tcsetwinsize(theirs, (size[1], size[0]))
        signals = ",".join(map(str, ignored))
        unwanted = ("TRACKER_", "COLUMNS", "LINES", "NO_COLOR")
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(unwanted)}
        self.process = subprocess.Popen(
            [*MORTAL, sys.executable, "-c", _LAUNCHER, str(theirs), signals, *arguments],
            pass_fds=(theirs,),
            env={**inherited, "TERM": "xterm-256color", **(environment or {})},
            start_new_session=True,
            cwd=directory,
        )
        self._theirs = theirs  # kept open: its modes can be read after the end of the program
        self._open = True

    @property
    def modes(self) -> list[object]:
        """The modes of the terminal, such as whether it echoes."""
        return list(termios.tcgetattr(self._theirs))

    def read_until(self, pattern: bytes) -> bytes:
        """Return what the program prints, once that matches."""
        return read_until(self._ours, pattern)

    def see(self, is_there: Callable[["Shown"], object]) -> "Shown":
        """Return what the terminal shows, once `is_there` finds it right."""
        end_s = time.monotonic() + DEADLINE_S
        while not is_there(self.shown):
            left_s = max(0.0, end_s - time.monotonic())
            assert select.select([self._ours], [], [], left_s)[0], f"it shows\n{self.shown}"
            self.shown.feed(os.read(self._ours, 65536))
        return self.shown

    def type(self, keys: str) -> None:
        """Type keys, Ctrl-C as the character 3."""
        os.write(self._ours, keys.encode())

    def resize(self, columns: int, lines: int) -> None:
        """Change the size, of which the kernel tells the program by SIGWINCH."""
        self.shown = Shown(columns, lines, alternate=self.shown.alternate)
        termios.tcsetwinsize(self._ours, (lines, columns))
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGWINCH)

    def ended(self) -> int:
        """Return the exit code of the program, after reading all that it still shows."""
        self.process.wait(DEADLINE_S)
        while select.select([self._ours], [], [], 0)[0]:
            self.shown.feed(os.read(self._ours, 65536))
        return self.process.returncode

    def close(self) -> None:
        """Close the terminal, as one closes its window. Does nothing if it is closed."""
        if self._open:
            self._open = False
            os.close(self._theirs)
            os.close(self._ours)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
        self.process.kill()
        self.process.wait()


class Shown:
    """What a terminal of a size shows, for the few controls that our programs use.

    Attributes:
        alternate: whether it is the alternate screen, which programs fill as a whole.
        controls: the control sequences so far.
    """

    _TOKEN = re.compile(r"\x1b\[(\??[0-9;]*)([A-Za-z])|[^\x1b]", re.DOTALL)

    def __init__(self, columns: int, lines: int, *, alternate: bool = False) -> None:
        self.columns, self.height = columns, lines
        self.alternate = alternate
        self.controls: list[str] = []
        self._rest = b""
        self._clear()

    @property
    def lines(self) -> list[str]:
        """All lines, without the spaces at their ends."""
        return ["".join(line).rstrip() for line in self._lines]

    @property
    def row(self) -> int:
        """The line of the cursor, from 0."""
        return self._y

    def __str__(self) -> str:
        return "\n".join(self.lines)

    def __contains__(self, text: str) -> bool:
        return text in str(self)

    def feed(self, data: bytes) -> None:
        """Show what a program writes.

        Raises:
            AssertionError: it is nothing that this terminal knows.
        """
        whole = self._rest + data
        cut = whole.rfind(b"\x1b")  # perhaps the beginning of a sequence
        if cut < 0 or re.match(rb"\x1b\[\??[0-9;]*[A-Za-z]", whole[cut:]):
            cut = len(whole)
        while cut and len(whole) == cut and not _is_text(whole[:cut]):
            cut -= 1  # within a character
        self._rest = whole[cut:]
        text = whole[:cut].decode()
        at = 0
        while at < len(text):
            token = self._TOKEN.match(text, at)
            assert token, f"unknown sequence {text[at : at + 20]!r}"
            at = token.end()
            if token[2]:
                self.controls.append(token[0])
                self._control(token[1], token[2])
            else:
                self._show(token[0])

    def _clear(self) -> None:
        self._lines = [[" "] * self.columns for _ in range(self.height)]
        self._x = self._y = 0

    def _control(self, numbers: str, name: str) -> None:
        match numbers, name:
            case _, "m":
                pass
            case "", "H":
                self._x = self._y = 0
            case "", "K":
                line = self._lines[self._y]
                line[self._x :] = [" "] * (self.columns - min(self._x, self.columns))
            case "", "J":
                self._control("", "K")
                for line in self._lines[self._y + 1 :]:
                    line[:] = [" "] * self.columns
            case "?1049", "h" | "l":
                self.alternate = name == "h"
                self._clear()
            case "?25", "h" | "l":
                pass
            case _:
                raise AssertionError(f"unknown sequence {numbers}{name}")

    def _show(self, character: str) -> None:
        if character == "\r":
            self._x = 0
        elif character == "\n":
            self._down()
        else:
            assert character.isprintable(), f"unknown control {character!r}"
            if self._x == self.columns:
                self._x = 0
                self._down()
            self._lines[self._y][self._x] = character
            self._x += 1

    def _down(self) -> None:
        if self._y < self.height - 1:
            self._y += 1
        else:
            self._lines = [*self._lines[1:], [" "] * self.columns]


def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def read_until(stream: int, pattern: bytes) -> bytes:
    """Return what is read from `stream`, once it matches."""
    seen = b""
    while not re.search(pattern, seen, re.DOTALL):
        ready, _, _ = select.select([stream], [], [], DEADLINE_S)
        assert ready, f"nothing more than {seen!r}"
        data = os.read(stream, 65536)
        assert data, f"no more than {seen!r}"
        seen += data
    return seen
