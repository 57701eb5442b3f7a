"""Bars of block elements."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

BARS: Final = " ▁▂▃▄▅▆▇█"
STEPS: Final = len(BARS) - 1  # of one line


def chart(values: Sequence[float], width: int, height: int) -> list[str]:
    """Return lines with a bar for each value, the top line first.

    Several values share a bar, which shows the largest of them, if there are more than `width`. The
    highest bar fills `height` lines; a value above 0 is never invisible.
    """
    places = min(width, len(values))
    edges = [at * len(values) // places for at in range(places + 1)] if places else []
    tops = [max(values[low:high]) for low, high in pairwise(edges)]
    highest = max(tops, default=0) or 1
    bars = [max(round(top / highest * height * STEPS), int(top > 0)) for top in tops]
    return [
        "".join(BARS[min(STEPS, max(0, bar - below * STEPS))] for bar in bars)
        for below in reversed(range(height))
    ]
