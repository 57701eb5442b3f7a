"""Charts of the last hour and the last day, drawn as SVG on the server.

The lines stretch with the page; all text is HTML beside them, so it stays readable on a phone.
"""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from tracker.model import Point
from tracker.web.statistics import Statistics, number, rate

WIDTH, HEIGHT = 600, 160  # units of the drawing
PARTS = 120  # of the time of a chart: more points than these are not drawn
LARGEST_GAP = 4  # parts without a point that a line still crosses
LEAST_TOP = 4.0  # of the vertical axis

Read = Callable[[Point], float]


class Line(NamedTuple):
    """One line of a chart."""

    name: str
    css: str  # class that gives its colour
    path: str  # the attribute ``d``
    area: str  # the same, closed along the bottom
    now: str  # its last value; empty: none


class Chart(NamedTuple):
    """One chart, as the template draws it."""

    id: str
    title: str
    span: str  # the time that it covers
    description: str  # for those who do not see it
    lines: list[Line]
    ticks: list[str]  # of the vertical axis, from its top
    times: list[str]  # of the horizontal axis, from its left
    width: int = WIDTH
    height: int = HEIGHT


class Span(NamedTuple):
    """A time that a chart covers."""

    id: str
    name: str
    seconds: int
    times: list[str]


HOUR = Span("hour", "last hour", 3600, ["60 min ago", "30 min", "now"])
DAY = Span("day", "last day", 86_400, ["24 h ago", "12 h", "now"])

PEERS: Sequence[tuple[str, str, Read]] = (
    ("Clients", "series-1", lambda point: point.ipv4_peers + point.ipv6_peers),
    ("Browsers", "series-3", lambda point: point.browsers),
)
ANNOUNCES: Sequence[tuple[str, str, Read]] = (
    ("HTTP", "series-1", lambda point: point.rates.get("http", 0.0)),
    ("UDP", "series-2", lambda point: point.rates.get("udp", 0.0)),
    ("WebSocket", "series-3", lambda point: point.rates.get("ws", 0.0)),
)


def charts(statistics: Statistics) -> list[Chart]:
    """Return the charts of the pages: peers and announces, each over an hour and a day."""
    now = statistics.at
    return [
        _chart(f"{name}-{span.id}", title, span, points, now, lines, write)
        for name, title, lines, write in (
            ("peers", "Peers", PEERS, number),
            ("announces", "Announces per second", ANNOUNCES, rate),
        )
        for span, points in ((HOUR, statistics.hour), (DAY, statistics.day))
    ]


def _chart(
    id_: str,
    title: str,
    span: Span,
    points: Sequence[Point],
    now: float,
    lines: Sequence[tuple[str, str, Read]],
    write: Callable[[float], str],
) -> Chart:
    drawn = _thinned([each for each in points if now - span.seconds <= each.at], now, span)
    values = {name: [read(point) for _, point in drawn] for name, _, read in lines}
    top = nice(max((max(each, default=0.0) for each in values.values()), default=0.0))
    return Chart(
        id_,
        title,
        span.name,
        _described(values, write),
        [
            _line(name, css, [(at, read(point)) for at, point in drawn], top, write)
            for name, css, read in lines
        ],
        [write(top).removesuffix(".0"), write(top / 2).removesuffix(".0"), "0"],
        span.times,
    )


def _thinned(points: Sequence[Point], now: float, span: Span) -> list[tuple[int, Point]]:
    """Return the last point of each part of the time, with the number of the part."""
    start = now - span.seconds
    parts = {min(PARTS, round((each.at - start) / span.seconds * PARTS)): each for each in points}
    return sorted(parts.items())


def _line(
    name: str,
    css: str,
    values: Sequence[tuple[int, float]],
    top: float,
    write: Callable[[float], str],
) -> Line:
    runs: list[list[tuple[float, float]]] = []
    before: int | None = None
    for part, value in values:
        if before is None or part - before > LARGEST_GAP:
            runs.append([])
        runs[-1].append((part / PARTS * WIDTH, HEIGHT * (1 - value / top)))
        before = part
    path = "".join(_path(run) for run in runs)
    area = "".join(
        f"{_path(run)}L{run[-1][0]:.4g} {HEIGHT}L{run[0][0]:.4g} {HEIGHT}Z" for run in runs
    )
    return Line(name, css, path, area, write(values[-1][1]) if values else "")


def _path(run: Sequence[tuple[float, float]]) -> str:
    """Return a polyline; of a single point a short dash, which is visible."""
    if len(run) == 1:
        (x, y) = run[0]
        return f"M{max(0.0, x - 2):.4g} {y:.4g}H{x + 2:.4g}"
    return "M" + "L".join(f"{x:.4g} {y:.4g}" for x, y in run)


def _described(values: dict[str, list[float]], write: Callable[[float], str]) -> str:
    if not any(values.values()):
        return "No points yet."
    return " ".join(
        f"{name}: now {write(each[-1])}, lowest {write(min(each))}, highest {write(max(each))}."
        for name, each in values.items()
    )


def nice(highest: float) -> float:
    """Return the top of an axis: the next of 1, 2, 4, 5, 8 or 10 times a power of ten."""
    if highest <= LEAST_TOP:
        return LEAST_TOP
    power = 10.0 ** math.floor(math.log10(highest))
    return next(step * power for step in (1, 2, 4, 5, 8, 10) if highest <= step * power)
