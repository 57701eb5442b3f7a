"""What commands print: tables and JSON for people and programs, problems on standard error."""

import json
import shutil
import sys
import textwrap
from collections.abc import Iterable, Sequence
from typing import Final

from tracker.text import printable

_LONGEST: Final = 1000  # characters of a cell or a problem


def print_table(rows: Iterable[Sequence[object]]) -> None:
    """Columns as wide as their widest cell; None is a dash."""
    cells = [["-" if cell is None else _printable(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        print("  ".join(map(str.ljust, row, widths)).rstrip())


def print_line(text: str = "") -> None:
    """Text of our own."""
    print(text)


def print_json(value: object) -> None:
    """One JSON document."""
    print(json.dumps(value, indent=2))


def print_problem(problem: object) -> None:
    """Print what is wrong: one line on standard error, which a terminal shows wrapped at words."""
    line = f"tracker: {_printable(problem)}"
    if sys.stderr.isatty():
        width = shutil.get_terminal_size().columns
        line = textwrap.fill(
            line, width, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
        )
    print(line, file=sys.stderr)


def span(seconds: float) -> str:
    """Return a duration in its two largest units: ``2d 3h``, ``4m 5s``, ``6s``."""
    rest = max(0, int(seconds))
    parts = []
    for unit, size in (("d", 86_400), ("h", 3600), ("m", 60), ("s", 1)):
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count}{unit}")
    return " ".join(parts[:2]) or "0s"


def _printable(value: object) -> str:
    """Its text, without what could move the cursor of a terminal: trackers may send anything."""
    return printable(str(value), _LONGEST)
