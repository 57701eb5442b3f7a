"""The command on a real terminal of a given size, from its start to its end."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from tests.tools import MORTAL

_CONTROL = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]")  # CSI sequences (ECMA-48, section 5.4)


class Shown(NamedTuple):
    """The output of a program on its terminal."""

    code: int
    raw: bytes

    @property
    def lines(self) -> list[str]:
        """The text without control sequences, in lines as they are written."""
        return _CONTROL.sub(b"", self.raw).decode().replace("\r\n", "\n").split("\n")


def run_on_terminal(
    *argv: str,
    columns: int = 80,
    lines: int = 24,
    folder: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> Shown:
    """Run ``tracker`` with these arguments on a terminal, until it ends."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
    inherited = {name: os.environ[name] for name in os.environ.keys() - {"COLUMNS", "LINES"}}
    process = subprocess.Popen(
        [*MORTAL, sys.executable, "-m", "tracker", *argv],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        cwd=folder,
        env={**inherited, "TERM": "xterm-256color", "PYTHONPATH": os.getcwd(), **(env or {})},
    )
    os.close(theirs)
    written = b""
    try:
        while data := _read(ours):
            written += data
        return Shown(process.wait(), written)
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65_536)
    except OSError:  # Linux's EIO: the last process has closed it
        return b""
