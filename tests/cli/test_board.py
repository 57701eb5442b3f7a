"""What a terminal shows, as plain text."""

import pytest

from tracker.cli.board import NO_COUNT, board, footer
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
DEAD = Frontend(b"deadIIII", NOW - 1, FACTS._replace(host="dead", relay_us=None))
DRAINING = Frontend(b"drainIII", NOW + 12, FACTS._replace(host="draining", ports={}))
STRANGE = Frontend(b"strangeI", NOW + 12, None)
LOST = Frontend(b"lostIIII", NOW - 12, None)
VITALS = Vitals("7.0.15", "master", 5 << 20, 512 << 20, 12_345, 6, 2)
INFO_HASH = bytes(range(20))
SNAPSHOT = Snapshot(
    totals=Totals(NOW - 65, 11, 12, 1013, 14, 15, 16, 17, 18),
    frontends=2,
    rates={},
    activity={},
    top=[SwarmSize(INFO_HASH, False, 1001, 5), SwarmSize(INFO_HASH, True, 3, 4)],
)
FULL = Overview(
    at=NOW,
    frontends=[ALIVE, DEAD, STRANGE, DRAINING, LOST],
    rates={ALIVE.id: {"http": 1234.56, "udp": 7.0}},
    snapshot=SNAPSHOT,
    history=[Point(NOW - 7200 + n, 1, 1, 1, n, n, n, {"udp": n}) for n in (0, 2400, 7200)],
    nodes=[Node("10.0.0.1:6379", VITALS), Node("10.0.0.2:6379", None)],
)
EMPTY = Overview(NOW, [], {}, None, [], [])
SMALL, LARGE = (80, 24), (160, 45)


def crowd(number: int) -> list[Frontend]:
    """Frontends as on Kubernetes."""
    return [
        Frontend(
            b"%08d" % at,
            NOW + 12,
            FACTS._replace(host=f"tracker-http-7d4f8b6c9d-{at:05}", pid=1),
        )
        for at in range(number)
    ]


def shown(overview: Overview, width: int = 200, height: int | None = None) -> list[str]:
    """The lines, each word apart from the next by one space."""
    return [" ".join(str(line).split()) for line in board(overview, width, height)]


@pytest.mark.parametrize(
    "line",
    [
        "3 frontends, 2 dead · 1,093 peers · 23 swarms · 1,241.6 announces/s",
        "HTTP 1,234.6/s · UDP 7.0/s · WebSocket 0.0/s · swarms counted 1m 5s ago",
        (
            "[bold]host 1,234.6 7.0 0.0 66 2h 3s ago 77 1.2 ms 1.2.3 http=8000 udp=6969 "
            f"{ALIVE.id.hex()[:8]}"
        ),
        f"dead - - - 66 dead 3s ago 77 - 1.2.3 http=8000 udp=6969 {DEAD.id.hex()[:8]}",
        f"draining - - - 66 draining 3s ago 77 1.2 ms 1.2.3 {DRAINING.id.hex()[:8]}",
        " ".join([STRANGE.id.hex()[:8], *"----------", STRANGE.id.hex()[:8]]),
        " ".join([LOST.id.hex()[:8], *"----", "dead", *"-----", LOST.id.hex()[:8]]),
        "IPv4 1,013 14",
        "IPv6 15 16",
        "browsers 17 18",
        f"{INFO_HASH.hex()} HTTP, UDP 1,001 5",
        f"{INFO_HASH.hex()} browsers 3 4",
        "peers in the last 2h, at most 21,600",
        "announces a second in the last 2h, at most 7,200",
        "10.0.0.1:6379 5.0 of 512 MiB 12,345 6 master 2 7.0.15",
        "10.0.0.2:6379 no answer - - - - -",
    ],
)
def test_the_board_has_this_line(line: str) -> None:
    assert line in shown(FULL)


@pytest.mark.parametrize(
    ("rate", "most"), [(0, "0"), (0.003, "0.003"), (0.25, "0.25"), (4.0, "4"), (12.5, "12")]
)
def test_the_highest_value_of_a_chart_is_not_rounded_to_0(rate: float, most: str) -> None:
    history = [Point(NOW - n, 1, 1, 1, 0, 0, 0, {"udp": rate}) for n in (60, 0)]
    lines = shown(FULL._replace(history=history))
    assert f"announces a second in the last 1m, at most {most}" in lines


@pytest.mark.parametrize(("width", "height"), [SMALL, LARGE])
@pytest.mark.parametrize("number", [0, 1, 2, 40, 10_000])
def test_it_fits_the_terminal(width: int, height: int, number: int) -> None:
    overview = FULL._replace(frontends=crowd(number), nodes=FULL.nodes * 30)
    lines = board(overview, width, height)
    assert len(lines) <= height
    assert not [str(line) for line in lines if line.cell_len > width]


def test_a_small_terminal_shows_redis_below_many_frontends() -> None:
    lines = shown(FULL._replace(frontends=crowd(40)), *SMALL)
    rows = [line for line in lines if line.startswith("tracker-http-")]
    assert f"and {40 - len(rows)} more" in lines
    assert len(rows) > 12
    assert lines[-1].startswith("10.0.0.2:6379 no answer")


def test_a_large_terminal_shows_charts_and_swarms_below_many_frontends() -> None:
    text = "\n".join(shown(FULL._replace(frontends=crowd(40)), *LARGE))
    for words in ("more", "10.0.0.1:6379", "peers in the last", "announces a second in the last"):
        assert words in text


def test_a_large_terminal_with_few_frontends_shows_all() -> None:
    assert f"{INFO_HASH.hex()} browsers 3 4" == shown(FULL, *LARGE)[-1]


def test_names_of_pods_are_whole_at_80_columns() -> None:
    assert any(line.startswith("tracker-http-7d4f8b6c9d-00000 ") for line in shown(
        FULL._replace(frontends=crowd(2)), *SMALL
    ))  # fmt: skip


def test_dead_frontends_come_first() -> None:
    rows = shown(FULL._replace(frontends=[*crowd(40), DEAD]), *SMALL)
    assert rows[4].startswith("dead ")


def test_frontends_of_one_host_are_told_apart_by_their_processes() -> None:
    second = Frontend(b"secondII", NOW + 12, FACTS._replace(pid=43))
    lines = shown(FULL._replace(frontends=[ALIVE, second]))
    assert [line.split()[0] for line in lines[4:6]] == ["[bold]host:42", "[bold]host:43"]


def test_an_empty_cluster_has_a_board() -> None:
    first, second, problem = shown(EMPTY)
    assert "0 frontends · 0.0 announces/s" == first
    assert "HTTP 0.0/s · UDP 0.0/s · WebSocket 0.0/s" == second
    assert f"! {NO_COUNT}" == problem


@pytest.mark.parametrize(("alive", "title"), [([], "0 frontends"), ([ALIVE], "1 frontend")])
def test_the_number_of_frontends_has_its_plural(alive: list[Frontend], title: str) -> None:
    assert shown(EMPTY._replace(frontends=alive))[0].startswith(f"{title} ·")


def test_a_redis_without_a_bound_of_memory_has_none() -> None:
    node = Node("a", VITALS._replace(max_memory=0))
    assert "a 5.0 MiB 12,345 6 master 2 7.0.15" in shown(EMPTY._replace(nodes=[node]))


def test_what_is_wrong_is_red_and_has_a_mark() -> None:
    overview = FULL._replace(warnings=["10.0.0.1:6379: redis is nearly full"])
    lines = board(overview, 80, problem="cannot use Redis at 10.0.0.1:6379: " + "reason " * 12)
    red = [str(line) for line in lines if line.style == "red"]
    assert [
        "! cannot use Redis at 10.0.0.1:6379: reason reason reason reason reason reason",
        "  reason reason reason reason reason reason",
        "! 10.0.0.1:6379: redis is nearly full",
    ] == red[:3]
    starts = [line.split()[0] for line in red[3:]]
    assert ["dead", LOST.id.hex()[:8], "10.0.0.1:6379", "10.0.0.2:6379"] == starts


def test_no_data_control_the_terminal() -> None:
    evil = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202e\r\n"
    facts = FACTS._replace(version=evil, host=evil, ports={evil: 1})
    vitals = VITALS._replace(version=evil, role=evil)
    overview = FULL._replace(
        frontends=[Frontend(b"aliveIII", NOW + 12, facts)],
        nodes=[Node(evil, vitals), Node(evil, None)],
        warnings=[evil],
    )
    for line in board(overview, 300, problem=evil):
        assert str(line).isprintable()


def test_the_last_line_has_the_keys_and_the_time() -> None:
    line = str(footer(NOW, 80, "q quits"))
    assert line.startswith("q quits ")
    assert 80 == len(line)
    assert ":" in line[-8:]
