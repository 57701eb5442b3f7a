"""Bars of block elements."""

import pytest

from tracker.cli.charts import chart


@pytest.mark.parametrize(
    ("values", "width", "height", "lines"),
    [
        ([], 5, 1, [""]),
        ([0, 0], 5, 1, ["  "]),
        ([0.0, 0.0], 5, 3, ["  ", "  ", "  "]),
        ([1, 2, 3, 4, 5, 6, 7, 8], 8, 1, ["▁▂▃▄▅▆▇█"]),
        ([8, 0, 0, 0, 0, 8], 3, 1, ["█ █"]),
        ([10], 5, 1, ["█"]),
        ([1, 1000], 5, 1, ["▁█"]),
        ([0.5, 1.0], 5, 2, [" █", "██"]),
        ([1, 2, 3, 4], 4, 2, ["  ▄█", "▄███"]),
    ],
)
def test_charts(values: list[float], width: int, height: int, lines: list[str]) -> None:
    assert lines == chart(values, width, height)
