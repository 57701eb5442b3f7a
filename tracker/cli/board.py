"""An overview of the cluster as lines of text: what matters most comes first.

A terminal of 80 columns and 24 lines shows a summary, what is wrong, the frontends and the Redis
servers. Larger ones show more columns, charts and the largest swarms.
"""

import textwrap
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from rich.text import Text

from tracker.cli.charts import chart
from tracker.cli.columns import Column, Row, table, text
from tracker.cli.output import span
from tracker.cli.overview import Overview
from tracker.model import Point, Snapshot
from tracker.store.frontends import Frontend
from tracker.text import printable

PROTOCOLS: Final = ("http", "udp", "ws")
NAMES: Final = {"http": "HTTP", "udp": "UDP", "ws": "WebSocket"}
MIB: Final = 1 << 20
LEAST_ROWS: Final = 3  # of a table that is cut: it is left out if it has less room
NODES_KEPT: Final = 4  # lines that Redis servers get beside many frontends
TALL: Final = 40  # lines of a terminal on which many frontends leave a third of it to the rest
CHART_HEIGHTS: Final = ((60, 5), (40, 3), (0, 2))  # lines of a terminal, lines of a chart
NO_COUNT: Final = "No background job has counted the swarms: is `tracker workers` running?"
WRONG: Final = "red"
MARK: Final = "! "  # before what is wrong, for terminals without colours
LONGEST_PROBLEM: Final = 400  # characters
NARROWEST: Final = 10  # columns; what is wider than the terminal is cut

FRONTENDS: Final = (
    Column("frontend", right=False, gives_way=True),
    *(Column(f"{protocol}/s") for protocol in PROTOCOLS),
    Column("browsers", rank=1),
    Column("up", rank=2),
    Column("seen", rank=3),
    Column("connections", rank=4),
    Column("relay", rank=5),
    Column("version", right=False, rank=6),
    Column("ports", right=False, rank=7),
    Column("id", right=False, rank=8),
)
REDIS: Final = (
    Column("Redis", right=False, gives_way=True),
    Column("memory"),
    Column("commands/s"),
    Column("clients", rank=1),
    Column("role", right=False, rank=3),
    Column("replicas", rank=2),
    Column("version", right=False, rank=4),
)
PEERS: Final = (Column("peers", right=False), Column("seeders"), Column("leechers"))
SWARMS: Final = (
    Column("largest swarms", right=False, gives_way=True),
    Column("peers", right=False, rank=1),
    Column("seeders"),
    Column("leechers"),
)


def board(
    overview: Overview, width: int, height: int | None = None, problem: str = ""
) -> list[Text]:
    """Return the lines of an overview, none wider than `width`.

    Args:
        overview: the cluster.
        width: columns.
        height: lines; None: all there is.
        problem: why the overview is not up to date; empty: it is.
    """
    lines = [*_summary(overview), *_problems(overview, problem, width)]
    nodes = _redis(overview, width)
    room = None
    if height is not None:
        kept = min(len(nodes), NODES_KEPT) + 1
        room = height - len(lines) - (kept if height < TALL else kept + height // 3)
    lines += _block(_frontends(overview, width), room)
    lines += _block(nodes, None if height is None else height - len(lines))
    for block, is_list in _blocks(overview, width, height):
        room = None if height is None else height - len(lines)
        if is_list or room is None or len(block) < room:
            lines += _block(block, room)
    return lines


def counted(number: int, noun: str) -> str:
    """Return ``1 frontend``, ``2 frontends``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def footer(at: float, width: int, keys: str) -> Text:
    """Return the last line of a screen: the keys, and the local time of what is shown."""
    clock = time.strftime("%H:%M:%S", time.localtime(at))
    return text(f"{keys}{clock:>{max(0, width - len(keys))}}", "dim")


def _block(lines: Sequence[Text], room: int | None) -> list[Text]:
    """Return an empty line and as many lines as there is room for, and how many rows more."""
    if room is None or len(lines) + 1 <= room:
        return [Text(), *lines] if lines else []
    if room < LEAST_ROWS + 1:
        return []
    shown = lines[: room - 2]
    return [Text(), *shown, text(f"and {len(lines) - len(shown):,} more", "dim")]


def _blocks(
    overview: Overview, width: int, height: int | None
) -> Iterator[tuple[list[Text], bool]]:
    """Yield what is below the Redis servers, and whether it is a list, which may be cut."""
    if overview.snapshot is not None:
        yield _peers(overview.snapshot, width), False
    if len(overview.history) > 1:
        lines = next(rows for least, rows in CHART_HEIGHTS if (height or 0) >= least)
        history = overview.history
        peers = [point.ipv4_peers + point.ipv6_peers + point.browsers for point in history]
        yield _chart("peers", peers, history, width, lines), False
        rates = [sum(point.rates.values()) for point in history]
        yield _chart("announces a second", rates, history, width, lines), False
    if overview.snapshot is not None and overview.snapshot.top:
        yield _top(overview.snapshot, width), True


def _summary(overview: Overview) -> Iterator[Text]:
    """Yield two lines: the cluster in a few numbers, and the traffic of each protocol."""
    alive = sum(_is_alive(each, overview) for each in overview.frontends)
    dead = len(overview.frontends) - alive
    line = text(counted(alive, "frontend"), "bold" if alive else f"bold {WRONG}")
    if dead:
        line.append(f", {dead} dead", f"bold {WRONG}")
    parts = []
    rates = overview.total_rates
    traffic = [f"{NAMES[name]} {rates.get(name, 0.0):,.1f}/s" for name in PROTOCOLS]
    if overview.snapshot is not None:
        totals = overview.snapshot.totals
        parts += [
            counted(sum(totals[3:]), "peer"),
            counted(totals.swarms + totals.browser_swarms, "swarm"),
        ]
        traffic.append(f"swarms counted {span(overview.at - totals.counted_at)} ago")
    parts.append(f"{sum(rates.values()):,.1f} announces/s")
    yield line.append("".join(f" · {part}" for part in parts), "bold")
    yield text(" · ".join(traffic), "dim")


def _problems(overview: Overview, problem: str, width: int) -> Iterator[Text]:
    for each in filter(None, (problem, *overview.warnings)):
        yield from _wrapped(each, width)
    if overview.snapshot is None and not problem:
        yield from _wrapped(NO_COUNT, width)


def _wrapped(problem: str, width: int) -> Iterator[Text]:
    lines = textwrap.wrap(printable(problem, LONGEST_PROBLEM), max(NARROWEST, width - len(MARK)))
    for at, line in enumerate(lines):
        yield text(f"{' ' * len(MARK) if at else MARK}{line}", WRONG)


def _is_alive(frontend: Frontend, overview: Overview) -> bool:
    return frontend.expires_at > overview.at


def _frontends(overview: Overview, width: int) -> list[Text]:
    """Return the frontends, the dead ones first."""
    hosts = [each.facts.host for each in overview.frontends if each.facts]
    rows = [
        Row([*_frontend(each, overview, hosts)], "" if _is_alive(each, overview) else WRONG)
        for each in sorted(overview.frontends, key=lambda each: _is_alive(each, overview))
    ]
    return table(FRONTENDS, rows, width) if rows else []


def _frontend(frontend: Frontend, overview: Overview, hosts: Sequence[str]) -> Iterator[object]:
    """Yield the cells of one frontend, in the order of `FRONTENDS`."""
    facts, short_id = frontend.facts, frontend.id.hex()[:8]
    alive = _is_alive(frontend, overview)
    if facts is None:  # of another version, or expired
        state = None if alive else "dead"
        yield from (short_id, *[None] * 4, state, *[None] * 5, short_id)
        return
    # A container or pod runs one frontend, whose host name is that of the container or pod.
    yield facts.host if hosts.count(facts.host) == 1 else f"{facts.host}:{facts.pid}"
    yield from _rates(overview.rates.get(frontend.id))
    yield facts.browsers
    if not alive:
        yield "dead"
    else:
        yield span(overview.at - facts.since) if facts.ports else "draining"
    yield f"{span(overview.at - facts.beat)} ago"
    yield facts.connections
    yield None if facts.relay_us is None else f"{facts.relay_us / 1000:.1f} ms"
    yield facts.version
    yield " ".join(f"{name}={port}" for name, port in facts.ports.items())
    yield short_id


def _rates(rates: Mapping[str, float] | None) -> Iterator[str | None]:
    for protocol in PROTOCOLS:
        yield None if rates is None else f"{rates.get(protocol, 0.0):,.1f}"


def _redis(overview: Overview, width: int) -> list[Text]:
    rows = []
    for address, vitals in overview.nodes:
        if vitals is None:
            rows.append(Row([address, "no answer", *[None] * (len(REDIS) - 2)], WRONG))
            continue
        bound = f" of {_mib(vitals.max_memory)}" if vitals.max_memory else ""
        warned = any(each.startswith(f"{address}: ") for each in overview.warnings)
        cells = (
            *(address, f"{_mib(vitals.memory)}{bound} MiB"),
            *(f"{vitals.commands_per_second:,}", vitals.clients),
            *(vitals.role, vitals.replicas, vitals.version),
        )
        rows.append(Row(cells, WRONG if warned else ""))
    return table(REDIS, rows, width) if rows else []


def _mib(size: int) -> str:
    return f"{size / MIB:,.{0 if size > 100 * MIB else 1}f}"


def _peers(snapshot: Snapshot, width: int) -> list[Text]:
    totals = snapshot.totals
    numbers = (
        ("IPv4", totals.ipv4_seeders, totals.ipv4_leechers),
        ("IPv6", totals.ipv6_seeders, totals.ipv6_leechers),
        ("browsers", totals.browser_seeders, totals.browser_leechers),
    )
    rows = [Row((name, f"{seeders:,}", f"{leechers:,}")) for name, seeders, leechers in numbers]
    return table(PEERS, rows, width)


def _chart(
    title: str, values: Sequence[float], history: Sequence[Point], width: int, height: int
) -> list[Text]:
    past = span(history[-1].at - history[0].at)
    highest = max(values)
    most = f"{highest:,.0f}" if highest >= 10 else f"{highest:.2g}"  # a low rate is not 0
    heading = text(f"{title} in the last {past}, at most {most}", "bold")
    return [heading, *(text(line, "cyan") for line in chart(values, width, height))]


def _top(snapshot: Snapshot, width: int) -> list[Text]:
    rows = [
        Row(
            (
                swarm.info_hash.hex(),
                "browsers" if swarm.browsers else "HTTP, UDP",
                f"{swarm.seeders:,}",
                f"{swarm.leechers:,}",
            )
        )
        for swarm in snapshot.top
    ]
    return table(SWARMS, rows, width)
