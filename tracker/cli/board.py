"""An overview of the cluster as tables, for a terminal."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from tracker.cli.overview import Overview
from tracker.model import Point, Snapshot
from tracker.store.frontends import Frontend
from tracker.store.nodes import Node

PROTOCOLS: Final = ("http", "udp", "ws")
BARS: Final = "▁▂▃▄▅▆▇█"
GRAPH_WIDTH: Final = 72  # characters
MIB: Final = 1 << 20


def board(overview: Overview) -> RenderableType:
    """All of it, one below the other; what a small terminal may cut off comes last."""
    parts = [*_frontends(overview), *_redis(overview.nodes)]
    parts += [Text(f"warning: {each}", style="red") for each in overview.warnings]
    if overview.snapshot is None:
        parts.append(Text("\nNothing was counted lately: is no `tracker workers` running?"))
    else:
        parts += _totals(overview.snapshot, overview.at)
    if overview.history:
        parts += _graph(overview.history)
    if overview.snapshot is not None and overview.snapshot.top:
        parts += _top(overview.snapshot)
    return Group(*parts)


def span(seconds: float) -> str:
    """A duration in its two largest units: ``2d 3h``, ``4m 5s``, ``6s``."""
    rest = max(0, int(seconds))
    parts = []
    for unit, size in (("d", 86_400), ("h", 3600), ("m", 60), ("s", 1)):
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count}{unit}")
    return " ".join(parts[:2]) or "0s"


def sparkline(values: Sequence[int], width: int = GRAPH_WIDTH) -> str:
    """A bar for each value, or for the largest of several that share a place; 0 is the lowest."""
    places = min(width, len(values))
    edges = [at * len(values) // places for at in range(places + 1)] if places else []
    highest = max([1, *values])
    tops = (max(values[low:high]) for low, high in pairwise(edges))
    return "".join(BARS[top * (len(BARS) - 1) // highest] for top in tops)


def _title(text: str) -> Text:
    return Text(f"\n{text}", style="bold")


def _table(left: Sequence[str], right: Sequence[str]) -> Table:
    """Columns of text, then columns of numbers."""
    table = Table(box=None, pad_edge=False)
    for name in left:
        table.add_column(name, overflow="fold")
    for name in right:
        table.add_column(name, justify="right", no_wrap=True)
    return table


def _add(table: Table, cells: Sequence[object], style: str | None = None) -> None:
    """A row of plain text, whatever is in it; None is a dash."""
    table.add_row(*(Text("-" if cell is None else str(cell)) for cell in cells), style=style)


def _frontends(overview: Overview) -> Iterator[RenderableType]:
    alive = [each.id for each in overview.frontends if each.expires_at > overview.at]
    rates = (f"{protocol}/s" for protocol in PROTOCOLS)
    table = _table(
        ("id", "process", "version", "ports"),
        ("age", "seen", *rates, "connections", "browsers", "relay"),
    )
    for frontend in overview.frontends:
        style = None if frontend.id in alive else "red"
        _add(table, [*_frontend(frontend, overview)], style)
    _add(table, ["all", *[""] * 5, *_rates(overview.total_rates)], "bold")
    yield _title(f"{len(alive)} frontend{'' if len(alive) == 1 else 's'}")
    yield table


def _frontend(frontend: Frontend, overview: Overview) -> Iterator[object]:
    yield frontend.id.hex()[:8]
    facts = frontend.facts
    if facts is None:
        return
    yield f"{facts.host}:{facts.pid}"
    yield facts.version
    yield " ".join(f"{name}={port}" for name, port in facts.ports.items()) or "draining"
    yield span(overview.at - facts.since)
    yield f"{span(overview.at - facts.beat)} ago"
    yield from _rates(overview.rates.get(frontend.id))
    yield facts.connections
    yield facts.browsers
    yield None if facts.relay_us is None else f"{facts.relay_us / 1000:.1f} ms"


def _rates(rates: Mapping[str, float] | None) -> Iterator[str | None]:
    for protocol in PROTOCOLS:
        yield None if rates is None else f"{rates.get(protocol, 0.0):,.1f}"


def _totals(snapshot: Snapshot, now: float) -> Iterator[RenderableType]:
    totals = snapshot.totals
    swarms = f"{totals.swarms:,} swarms of HTTP and UDP, {totals.browser_swarms:,} of browsers"
    yield _title(f"{swarms}, counted {span(now - totals.counted_at)} ago")
    table = _table(("peers",), ("seeders", "leechers"))
    rows = (
        ("IPv4", totals.ipv4_seeders, totals.ipv4_leechers),
        ("IPv6", totals.ipv6_seeders, totals.ipv6_leechers),
        ("browsers", totals.browser_seeders, totals.browser_leechers),
    )
    for name, seeders, leechers in rows:
        _add(table, (name, f"{seeders:,}", f"{leechers:,}"))
    yield table


def _top(snapshot: Snapshot) -> Iterator[RenderableType]:
    yield _title("largest swarms")
    table = _table(("info_hash", "peers"), ("seeders", "leechers"))
    for swarm in snapshot.top:
        kind = "browsers" if swarm.browsers else "HTTP, UDP"
        _add(table, (swarm.info_hash.hex(), kind, f"{swarm.seeders:,}", f"{swarm.leechers:,}"))
    yield table


def _graph(history: Sequence[Point]) -> Iterator[RenderableType]:
    peers = [point.ipv4_peers + point.ipv6_peers + point.browsers for point in history]
    yield _title(f"peers in {span(history[-1].at - history[0].at)}, at most {max(peers):,}")
    yield Text(sparkline(peers))


def _redis(nodes: Sequence[Node]) -> Iterator[RenderableType]:
    yield _title("Redis")
    table = _table(
        ("address", "role", "version"),
        ("memory", "of", "commands/s", "clients", "replicas"),
    )
    for address, vitals in nodes:
        if vitals is None:
            _add(table, (address, "no answer"), "red")
        else:
            bound = f"{vitals.max_memory / MIB:,.0f} MiB" if vitals.max_memory else None
            _add(
                table,
                (
                    *(address, vitals.role, vitals.version),
                    *(f"{vitals.memory / MIB:,.1f} MiB", bound),
                    *(f"{vitals.commands_per_second:,}", vitals.clients, vitals.replicas),
                ),
            )
    yield table
