"""What a terminal can show: its width, and whether it has colours."""

import os
from collections.abc import Mapping
from typing import Final, TextIO

BOLD: Final = "1"
DIM: Final = "2"
RED: Final = "31"
YELLOW: Final = "33"
CYAN: Final = "36"

_WIDTH: Final = 80  # where a terminal does not report its size
_LEAST: Final = 40
_WITHOUT_COLOUR: Final = ("", "dumb", "unknown")  # values of TERM


class Terminal:
    """The terminal that a stream is connected to.

    Args:
        stream: standard output or standard error.
        environment: of this process; ``NO_COLOR`` (no-color.org) and ``TERM`` are read.
    """

    def __init__(self, stream: TextIO, environment: Mapping[str, str]) -> None:
        self._stream = stream
        self.has_colour = (
            not environment.get("NO_COLOR") and environment.get("TERM", "") not in _WITHOUT_COLOUR
        )

    def paint(self, text: str, code: str) -> str:
        """Return `text` in a colour or weight; as it is without a `code` or a colour terminal."""
        return f"\x1b[{code}m{text}\x1b[0m" if self.has_colour and code else text

    @property
    def width(self) -> int:
        """Columns; 80 if they are not known."""
        try:
            columns = os.get_terminal_size(self._stream.fileno()).columns
        except (OSError, ValueError):
            columns = 0
        return max(_LEAST, columns) if columns else _WIDTH
