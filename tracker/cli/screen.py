"""The whole screen of a terminal, given back as it was however the program ends.

While it is in use the terminal shows its alternate screen without a cursor, and keys are read one
by one and not echoed. The key ``q``, SIGTERM and SIGHUP end it as Ctrl-C does; Ctrl-Z suspends it.
"""

import asyncio
import os
import signal
import sys
import termios
import tty
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Final

from rich.console import Console
from rich.text import Text

ENTER: Final = "\x1b[?1049h\x1b[?25l"  # xterm: alternate screen, cursor off
LEAVE: Final = "\x1b[?25h\x1b[?1049l"
HOME, END_OF_LINE, END_OF_SCREEN = "\x1b[H", "\x1b[K", "\x1b[J"
QUIT: Final = b"qQ\x03"  # Ctrl-C, too, where the terminal sends it as a character
ENDING: Final = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)


class Screen:
    """The screen of `console`, in use from `opened` to its end.

    Args:
        console: on a terminal.
        draw: returns the lines for a width and a height.
    """

    def __init__(self, console: Console, draw: Callable[[int, int], Sequence[Text]]) -> None:
        self.has_keys = sys.stdin.isatty()
        self._console = console
        self._draw = draw
        self._modes: list[Any] | None = None  # of the terminal, before

    def show(self) -> None:
        """Draw all lines again, for the present size of the terminal."""
        width, height = self._console.size
        lines = [self._rendered(line, width) for line in self._draw(width, height)[:height]]
        text = f"{END_OF_LINE}\r\n".join(lines)
        self._write(f"{HOME}{text}{END_OF_LINE}{END_OF_SCREEN}")

    @contextmanager
    def opened(self, end: Callable[[], object]) -> Iterator[None]:
        """Use the screen for the length of the context; call in a running event loop.

        Args:
            end: called when the user asks for the end.
        """
        loop = asyncio.get_running_loop()
        self._enter()
        try:
            for number in ENDING:
                loop.add_signal_handler(number, end)
            loop.add_signal_handler(signal.SIGWINCH, self.show)
            loop.add_signal_handler(signal.SIGTSTP, self._suspend)
            if self.has_keys:
                loop.add_reader(sys.stdin.fileno(), self._read_key, end)
            yield
        finally:
            if self.has_keys:
                loop.remove_reader(sys.stdin.fileno())
            for number in (*ENDING, signal.SIGWINCH, signal.SIGTSTP):
                loop.remove_signal_handler(number)
            self._leave()

    def _rendered(self, line: Text, width: int) -> str:
        with self._console.capture() as capture:
            self._console.print(line, end="", no_wrap=True, overflow="ellipsis", width=width)
        return capture.get()

    def _enter(self) -> None:
        if self.has_keys:
            self._modes = termios.tcgetattr(sys.stdin)
            tty.setcbreak(sys.stdin, termios.TCSANOW)
        self._write(ENTER)

    def _leave(self) -> None:
        self._write(LEAVE)
        if self._modes is not None:
            with suppress(termios.error):  # it has been closed
                termios.tcsetattr(sys.stdin, termios.TCSADRAIN, self._modes)

    def _read_key(self, end: Callable[[], object]) -> None:
        try:
            keys = os.read(sys.stdin.fileno(), 64)
        except OSError:  # the terminal has been closed
            keys = b""
        if not keys or any(key in QUIT for key in keys):
            end()

    def _suspend(self) -> None:
        """Give the terminal back until the shell continues this process."""
        self._leave()
        os.kill(os.getpid(), signal.SIGSTOP)
        self._enter()
        self.show()

    def _write(self, text: str) -> None:
        data = text.encode(sys.stdout.encoding, "replace")
        with suppress(OSError):  # a terminal that has been closed also sends SIGHUP
            while data:
                data = data[os.write(sys.stdout.fileno(), data) :]
