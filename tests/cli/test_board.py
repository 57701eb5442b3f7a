"""What a terminal shows, as plain text."""

import pytest
from rich.console import Console

from tracker.cli.board import board, span, sparkline
from tracker.cli.overview import Overview
from tracker.model import Facts, Point, Snapshot, SwarmSize, Totals
from tracker.store.frontends import Frontend
from tracker.store.nodes import Node, Vitals

NOW = 1_800_000_000
FACTS = Facts(
    version="1.2.3",
    host="[bold]host",
    pid=42,
    since=NOW - 7200,
    beat=NOW - 3.5,
    ports={"http": 8000, "udp": 6969},
    requests={"http": 9, "udp": 9},
    connections=77,
    browsers=66,
    relay_us=1234,
)
ALIVE = Frontend(b"aliveIII", NOW + 12, FACTS)
DEAD = Frontend(b"deadIIII", NOW - 1, FACTS._replace(host="gone", relay_us=None))
STRANGE = Frontend(b"strangeI", NOW + 12, None)
VITALS = Vitals("7.0.15", "master", 5 << 20, 512 << 20, 12_345, 6, 2)
INFO_HASH = bytes(range(20))
FULL = Overview(
    at=NOW,
    frontends=[ALIVE, DEAD, STRANGE],
    rates={ALIVE.id: {"http": 1234.56, "udp": 7.0}},
    snapshot=Snapshot(
        totals=Totals(NOW - 65, 11, 12, 1013, 14, 15, 16, 17, 18),
        frontends=2,
        rates={},
        activity={},
        top=[SwarmSize(INFO_HASH, False, 1001, 5), SwarmSize(INFO_HASH, True, 3, 4)],
    ),
    history=[Point(NOW - 7200 + n, 1, 1, 1, n, n, n, {}) for n in (0, 2400, 7200)],
    nodes=[Node("10.0.0.1:6379", VITALS), Node("10.0.0.2:6379", None)],
)
EMPTY = Overview(NOW, [], {}, None, [], [])


def shown(overview: Overview) -> list[list[str]]:
    """The words of each line."""
    console = Console(width=200, color_system=None)
    with console.capture() as capture:
        console.print(board(overview))
    return [line.split() for line in capture.get().splitlines()]


@pytest.mark.parametrize(
    "line",
    [
        "2 frontends",
        (
            f"{ALIVE.id.hex()[:8]} [bold]host:42 1.2.3 http=8000 udp=6969 2h 3s ago "
            "1,234.6 7.0 0.0 77 66 1.2 ms"
        ),
        f"{DEAD.id.hex()[:8]} gone:42 1.2.3 http=8000 udp=6969 2h 3s ago - - - 77 66 -",
        STRANGE.id.hex()[:8],
        "all 1,234.6 7.0 0.0",
        "11 swarms of HTTP and UDP, 12 of browsers, counted 1m 5s ago",
        "IPv4 1,013 14",
        "IPv6 15 16",
        "browsers 17 18",
        f"{INFO_HASH.hex()} HTTP, UDP 1,001 5",
        f"{INFO_HASH.hex()} browsers 3 4",
        "peers in 2h, at most 21,600",
        "▁▃█",
        "10.0.0.1:6379 master 7.0.15 5.0 MiB 512 MiB 12,345 6 2",
        "10.0.0.2:6379 no answer",
    ],
)
def test_the_board_has_this_line(line: str) -> None:
    assert line.split() in shown(FULL)


def test_an_empty_cluster_has_a_board() -> None:
    lines = [" ".join(words) for words in shown(EMPTY)]
    assert "0 frontends" in lines
    assert "Nothing was counted lately: is no `tracker workers` running?" in lines
    assert "largest swarms" not in lines


def test_a_redis_without_a_bound_of_memory_has_a_dash() -> None:
    node = Node("a", VITALS._replace(max_memory=0))
    lines = [" ".join(words) for words in shown(EMPTY._replace(nodes=[node]))]
    assert "a master 7.0.15 5.0 MiB - 12,345 6 2" in lines


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "0s"),
        (0.9, "0s"),
        (59, "59s"),
        (61, "1m 1s"),
        (3600, "1h"),
        (86_400 * 3 + 7261, "3d 2h"),
        (86_400 + 60, "1d 1m"),
    ],
)
def test_spans(seconds: float, text: str) -> None:
    assert text == span(seconds)


@pytest.mark.parametrize(
    ("values", "width", "line"),
    [
        ([], 5, ""),
        ([0, 0], 5, "▁▁"),
        ([0, 1, 2, 3, 4, 5, 6, 7], 8, "▁▂▃▄▅▆▇█"),
        ([7, 0, 0, 0, 0, 7], 3, "█▁█"),
        ([7, 0, 0, 0, 0], 2, "█▁"),
        ([10], 5, "█"),
    ],
)
def test_sparklines(values: list[int], width: int, line: str) -> None:
    assert line == sparkline(values, width)


def test_a_warning_is_a_line_below_the_servers() -> None:
    lines = shown(EMPTY._replace(warnings=["10.0.0.1:6379: redis is nearly full"]))
    assert ["warning:", "10.0.0.1:6379:", "redis", "is", "nearly", "full"] in lines


@pytest.mark.parametrize(("alive", "title"), [([], "0 frontends"), ([ALIVE], "1 frontend")])
def test_the_number_of_frontends_has_its_plural(alive: list[Frontend], title: str) -> None:
    assert title.split() in shown(EMPTY._replace(frontends=alive))
