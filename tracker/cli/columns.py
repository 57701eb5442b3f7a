"""Tables of text for a terminal of a given width.

All text that reaches the terminal passes through `text`, which removes what could control it.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from tracker.text import CUT, printable

GAP: Final = 2  # spaces between columns
# The widths to which a column that gives way shrinks: before others are left out, and at the end.
COMFORTABLE, LEAST = 30, 8


class Column(NamedTuple):
    """One column.

    Attributes:
        name: its heading.
        right: align to the right, as numbers are.
        rank: the column with the highest rank is left out first; 0: never.
        gives_way: long cells are shortened in the middle when the table is too wide.
    """

    name: str
    right: bool = True
    rank: int = 0
    gives_way: bool = False


class Row(NamedTuple):
    """The cells of one row, one for each column; None is a dash."""

    cells: Sequence[object]
    style: str = ""


def text(value: object, style: str = "") -> Text:
    """Return a value as one line that cannot control the terminal."""
    return Text(printable(str(value)), style, no_wrap=True, overflow="ellipsis")


def table(columns: Sequence[Column], rows: Sequence[Row], width: int) -> list[Text]:
    """Return a line of headings and one line for each row, none wider than `width`."""
    cells = [["-" if cell is None else printable(str(cell)) for cell in row.cells] for row in rows]
    body = list(zip(*cells, strict=True)) or [()] * len(columns)
    widths = {at: max(map(cell_len, (column.name, *body[at]))) for at, column in enumerate(columns)}
    _fit(columns, widths, width)
    heading = _line([column.name for column in columns], columns, widths, "bold")
    return [
        heading,
        *(_line(each, columns, widths, row.style) for each, row in zip(cells, rows, strict=True)),
    ]


def _fit(columns: Sequence[Column], widths: dict[int, int], width: int) -> None:
    """Shorten and remove entries of `widths` until the table fits."""

    def excess() -> int:
        return sum(widths.values()) + GAP * (len(widths) - 1) - width

    def shrink(least: int) -> None:
        for at, now in [*widths.items()]:
            if columns[at].gives_way and excess() > 0:
                widths[at] = max(min(least, now), now - excess())

    shrink(COMFORTABLE)
    for at in sorted(widths, key=lambda at: -columns[at].rank):
        if columns[at].rank and excess() > 0:
            del widths[at]
    shrink(LEAST)


def _line(
    cells: Sequence[str], columns: Sequence[Column], widths: dict[int, int], style: str
) -> Text:
    parts = []
    for at, width in widths.items():
        cell = _shortened(cells[at], width)
        padding = " " * (width - cell_len(cell))
        parts.append(padding + cell if columns[at].right else cell + padding)
    return Text((" " * GAP).join(parts).rstrip(), style, no_wrap=True, overflow="ellipsis")


def _shortened(cell: str, width: int) -> str:
    """Cut the middle out of a cell that is too wide: names often differ at their ends."""
    if cell_len(cell) <= width:
        return cell
    head = (width - 1) // 2
    tail = width - 1 - head
    end = cell[-tail:] if tail else ""
    return set_cell_size(cell, head) + CUT + set_cell_size(end, tail)
