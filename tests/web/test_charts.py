"""Charts: of any points, a drawing within its frame and a description."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.web.conftest import NOW, STATISTICS
from tracker.model import Point
from tracker.web.charts import HEIGHT, PARTS, WIDTH, Chart, charts, nice
from tracker.web.statistics import NOTHING, Statistics


def point(age_s: int, peers: int = 5, udp: float = 0.0) -> Point:
    return Point(NOW - age_s, 1, 1, 1, peers, 0, 0, {"udp": udp})


def drawn(*points: Point) -> dict[str, Chart]:
    statistics = Statistics(float(NOW), None, [], list(points), list(points))
    return {chart.id: chart for chart in charts(statistics)}


def coordinates(path: str) -> list[tuple[float, float]]:
    """The corners of a polyline."""
    pairs = re.findall(r"[ML](-?[\d.e+-]+) (-?[\d.e+-]+)", path)
    return [(float(x), float(y)) for x, y in pairs]


def test_there_is_a_chart_of_an_hour_and_a_day_for_peers_and_announces() -> None:
    found = [(chart.id, [line.name for line in chart.lines]) for chart in charts(STATISTICS)]
    peers, announces = ["Clients", "Browsers"], ["HTTP", "UDP", "WebSocket"]
    assert [
        ("peers-hour", peers),
        ("peers-day", peers),
        ("announces-hour", announces),
        ("announces-day", announces),
    ] == found


def test_without_points_the_frame_is_empty() -> None:
    for chart in charts(NOTHING):
        assert "No points yet." == chart.description
        assert [("", "", "")] * len(chart.lines) == [
            (line.path, line.area, line.now) for line in chart.lines
        ]
        assert ["4", "2", "0"] == chart.ticks


def test_time_goes_from_left_to_right_and_values_from_the_bottom() -> None:
    chart = drawn(*(point(age, (3600 - age) // 30) for age in range(3600, -1, -30)))["peers-hour"]
    corners = coordinates(chart.lines[0].path)
    assert PARTS + 1 == len(corners)
    assert (0.0, float(HEIGHT)) == corners[0]
    assert (WIDTH / 2, HEIGHT * 0.7) == pytest.approx(corners[PARTS // 2])
    assert (WIDTH, HEIGHT * 0.4) == pytest.approx(corners[PARTS])
    assert ["200", "100", "0"] == chart.ticks
    assert "Clients: now 120, lowest 0, highest 120." in chart.description


def test_points_older_than_the_chart_are_left_out() -> None:
    found = drawn(point(80_000, 1000), point(60, 5), point(0, 5))
    assert "5" == found["peers-hour"].ticks[0]
    assert "1,000" == found["peers-day"].ticks[0]


def test_a_gap_is_not_bridged() -> None:
    chart = drawn(point(3000), point(2970), point(600), point(570))["peers-hour"]
    assert 2 == chart.lines[0].path.count("M")
    assert 2 == chart.lines[0].area.count("Z")


def test_a_single_point_is_visible() -> None:
    (line, *_) = drawn(point(0))["peers-hour"].lines
    assert re.fullmatch(r"M[\d.]+ [\d.]+H[\d.]+", line.path)


@given(st.lists(st.tuples(st.integers(0, 86_400), st.integers(0, 10**9), st.floats(0, 10**7))))
def test_no_line_leaves_its_frame_or_grows_without_bound(
    values: list[tuple[int, int, float]],
) -> None:
    points = [point(age, peers, udp) for age, peers, udp in sorted(values, reverse=True)]
    for chart in drawn(*points).values():
        for line in chart.lines:
            corners = coordinates(line.path)
            assert len(corners) <= PARTS + 1
            assert all(-0.1 <= x <= WIDTH + 0.1 for x, _ in corners)
            assert all(-0.1 <= y <= HEIGHT + 0.1 for _, y in corners)


@pytest.mark.parametrize(
    ("highest", "top"), [(0, 4), (4, 4), (4.1, 5), (9, 10), (101, 200), (1000, 1000), (4901, 5000)]
)
def test_the_axis_ends_with_a_round_number(highest: float, top: float) -> None:
    assert top == nice(highest)
