"""All that there is to see of a cluster, gathered at one time."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from tracker.model import Activity, FrontendId, Point, Snapshot, SwarmSize
from tracker.policy.headroom import AMPLE, WARNINGS, room
from tracker.policy.rates import activity, total
from tracker.settings import LimitsSettings, WorkersSettings
from tracker.store.census import Census
from tracker.store.frontends import Frontend, registered
from tracker.store.history import History
from tracker.store.nodes import Node, nodes
from tracker.store.topology import Redis


class Overview(NamedTuple):
    """The cluster at one time."""

    at: float  # Unix seconds
    frontends: list[Frontend]  # in the order of their hosts and processes
    rates: Mapping[FrontendId, Mapping[str, float]]  # announces a second, of the living
    snapshot: Snapshot | None  # None: no background job counted
    history: list[Point]
    nodes: list[Node]
    warnings: Sequence[str] = ()  # one line each, about nodes that are nearly full

    @property
    def total_rates(self) -> dict[str, float]:
        """Requests a second of all frontends, by protocol."""
        return total(Activity(0.0, {}, dict(rates)) for rates in self.rates.values())


class Observer:
    """Looks at a cluster, as often as one likes."""

    def __init__(
        self,
        redis: Redis,
        settings: WorkersSettings,
        limits: LimitsSettings = LimitsSettings(),  # noqa: B008 - frozen
    ) -> None:
        self._redis = redis
        self._full = limits.redis_full_percent / 100
        self._census = Census(redis)
        self._history = History(redis, settings)
        self._activity: dict[FrontendId, Activity] = {}

    async def look(self, now: float) -> Overview:
        """How it is now; `now` in Unix seconds.

        Raises:
            Unavailable: Redis is away.
        """
        frontends, snapshot, history, servers = await asyncio.gather(
            registered(self._redis),
            self._census.published(),
            self._history.points(),
            nodes(self._redis),
        )
        known = (snapshot.activity if snapshot else {}) | self._activity
        self._activity = {
            each.id: activity(each.facts, known.get(each.id))
            for each in frontends
            if each.facts and each.expires_at > now
        }
        rates = {id_: each.rates for id_, each in self._activity.items()}
        frontends.sort(key=_place)
        warnings = list(_warnings(servers, self._full))
        return Overview(now, frontends, rates, snapshot, history, servers, warnings)


def _warnings(nodes: Iterable[Node], limit: float) -> Iterator[str]:
    """One line for each node that lacks room for new peers."""
    for address, vitals in nodes:
        if vitals:
            evicts = vitals.policy != "noeviction"
            now = room(vitals.memory, vitals.max_memory, limit, AMPLE, evicts=evicts)
            if now:
                yield f"{address}: {WARNINGS[now]}"


def _place(frontend: Frontend) -> tuple[str, int, FrontendId]:
    facts = frontend.facts
    return (facts.host, facts.pid, frontend.id) if facts else ("", 0, frontend.id)


def document(overview: Overview) -> dict[str, Any]:
    """An overview as JSON has it."""
    snapshot = overview.snapshot
    return {
        "at": round(overview.at, 1),
        "announces_per_second": _rounded(overview.total_rates),
        "totals": snapshot and snapshot.totals._asdict(),
        "frontends": [_frontend(each, overview) for each in overview.frontends],
        "top_swarms": snapshot and [_swarm(each) for each in snapshot.top],
        "redis": [
            {"address": node.address, **(node.vitals._asdict() if node.vitals else {"role": None})}
            for node in overview.nodes
        ],
        "warnings": [*overview.warnings],
        "history": [
            {**point._asdict(), "rates": _rounded(point.rates)} for point in overview.history
        ],
    }


def _frontend(frontend: Frontend, overview: Overview) -> dict[str, Any]:
    rates = overview.rates.get(frontend.id)
    return {
        "id": frontend.id.hex(),
        "alive": frontend.expires_at > overview.at,
        **(frontend.facts._asdict() if frontend.facts else {}),
        "announces_per_second": None if rates is None else _rounded(rates),
    }


def _swarm(swarm: SwarmSize) -> dict[str, Any]:
    return {
        "info_hash": swarm.info_hash.hex(),
        "browsers": swarm.browsers,
        "seeders": swarm.seeders,
        "leechers": swarm.leechers,
    }


def _rounded(rates: Mapping[str, float]) -> dict[str, float]:
    return {protocol: round(rate, 1) for protocol, rate in rates.items()}
