"""A program on a terminal of its own, which the test can close."""

import os
import pty
import re
import select
import subprocess
import sys
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

    def __init__(self, *arguments: str, ignored: tuple[int, ...] = ()) -> None:
        """`arguments`: of Python; `ignored`: signals that the program ignores from its start."""
        self._ours, theirs = pty.openpty()
        signals = ",".join(map(str, ignored))
        self.process = subprocess.Popen(
            [*MORTAL, sys.executable, "-c", _LAUNCHER, str(theirs), signals, *arguments],
            pass_fds=(theirs,),
            start_new_session=True,
        )
        os.close(theirs)
        self._open = True

    def read_until(self, pattern: bytes) -> bytes:
        """Return what the program prints, once that matches."""
        return read_until(self._ours, pattern)

    def close(self) -> None:
        """Close the terminal, as one closes its window. Does nothing if it is closed."""
        if self._open:
            self._open = False
            os.close(self._ours)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
        self.process.kill()
        self.process.wait()


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
