import json
from collections.abc import AsyncIterator

import pytest

from tests.redis_servers import RedisServer
from tests.store.asking import NOW, WatchedRedis, a_plan, announce, at, connected, ipv4, swarms_on
from tracker.cli.overview import Observer, _warnings, document
from tracker.errors import Unavailable
from tracker.model import Facts, FrontendId
from tracker.policy.headroom import EXHAUSTED, NONE, SCARCE, WARNINGS, Room
from tracker.settings import WorkersSettings
from tracker.store.census import Census
from tracker.store.frontends import Frontends
from tracker.store.history import History
from tracker.store.nodes import Node, Vitals
from workers.statistics import Statistics

A, B = b"frontenA", b"frontenB"
SETTINGS = WorkersSettings()
INFO_HASH = bytes(range(20))


@pytest.fixture
async def redis(redis_server: RedisServer) -> AsyncIterator[WatchedRedis]:
    async with connected(redis_server.url) as redis:
        yield redis


async def beat(
    redis: WatchedRedis, frontend: FrontendId, second: int, *, host: str = "here", **requests: int
) -> None:
    """A sign of life of a frontend that started at `NOW`."""
    facts = Facts("1.0", host, 7, NOW, float(second), {"http": 80}, requests, 3, 2, None)
    await Frontends(redis, frontend, 15, at(second)).beat(facts)


async def count(redis: WatchedRedis, second: int) -> None:
    """The background job's run."""
    history = History(redis, SETTINGS)
    await Statistics(Census(redis), history, SETTINGS, at(second)).run_once(1)


async def test_an_empty_redis_is_a_cluster_of_nobody(redis: WatchedRedis) -> None:
    found = await Observer(redis, SETTINGS).look(NOW)
    assert ([], {}, None, [], {}) == (
        found.frontends,
        found.rates,
        found.snapshot,
        found.history,
        found.total_rates,
    )
    assert 1 == len(found.nodes)


async def test_the_first_look_has_rates_since_the_last_count(redis: WatchedRedis) -> None:
    await beat(redis, A, NOW + 10, http=1000)
    await count(redis, NOW + 10)
    await beat(redis, A, NOW + 20, http=1020)
    found = await Observer(redis, SETTINGS).look(NOW + 20)
    assert {A: {"http": 2.0}} == found.rates


async def test_later_looks_have_rates_between_signs_of_life(redis: WatchedRedis) -> None:
    observer = Observer(redis, SETTINGS)
    await beat(redis, A, NOW + 10, http=1000)
    await beat(redis, B, NOW + 10, udp=10)
    assert {"http": 100.0, "udp": 1.0} == (await observer.look(NOW + 10)).total_rates
    await beat(redis, A, NOW + 15, http=1050)
    assert {"http": 10.0, "udp": 1.0} == (await observer.look(NOW + 15)).total_rates
    assert {"http": 10.0, "udp": 1.0} == (await observer.look(NOW + 17)).total_rates


async def test_the_dead_are_shown_without_rates_until_they_are_buried(redis: WatchedRedis) -> None:
    await beat(redis, A, NOW, http=1000)
    found = await Observer(redis, SETTINGS).look(NOW + 15)
    assert ([A], {}) == ([each.id for each in found.frontends], found.rates)
    (row,) = document(found)["frontends"]
    assert (False, None) == (row["alive"], row["announces_per_second"])


async def test_frontends_are_in_the_order_of_their_hosts(redis: WatchedRedis) -> None:
    await beat(redis, A, NOW, host="z")
    await beat(redis, B, NOW, host="a")
    found = await Observer(redis, SETTINGS).look(NOW)
    assert [B, A] == [each.id for each in found.frontends]


async def test_all_of_it_is_in_the_document(redis: WatchedRedis, redis_server: RedisServer) -> None:
    await beat(redis, A, NOW + 10, http=1234)
    await announce(swarms_on(redis), a_plan(ipv4(1), info_hash=INFO_HASH), now_s=NOW)
    await count(redis, NOW + 10)
    found = document(await Observer(redis, SETTINGS).look(NOW + 10.123))
    (node,) = found.pop("redis")
    (point,) = found.pop("history")
    totals = found.pop("totals")
    expected = {
        "at": NOW + 10.1,
        "announces_per_second": {"http": 123.4},
        "frontends": [
            {
                "id": A.hex(),
                "alive": True,
                "version": "1.0",
                "host": "here",
                "pid": 7,
                "since": NOW,
                "beat": NOW + 10.0,
                "ports": {"http": 80},
                "requests": {"http": 1234},
                "connections": 3,
                "browsers": 2,
                "relay_us": None,
                "announces_per_second": {"http": 123.4},
            }
        ],
        "warnings": [],
        "top_swarms": [
            {"info_hash": INFO_HASH.hex(), "browsers": False, "seeders": 0, "leechers": 1}
        ],
    }
    assert expected == json.loads(json.dumps(found))
    assert (redis_server.url, "master") == (node["address"], node["role"])
    assert (NOW + 10, 1, {"http": 123.4}) == (point["at"], point["ipv4_peers"], point["rates"])
    assert (NOW + 10, 1) == (totals["counted_at"], totals["ipv4_leechers"])


async def test_a_redis_that_goes_away_is_told(
    redis: WatchedRedis, redis_server: RedisServer
) -> None:
    redis_server.kill()
    with pytest.raises(Unavailable):
        await Observer(redis, SETTINGS).look(NOW)


@pytest.mark.parametrize(("policy", "room"), [("volatile-lfu", NONE), ("noeviction", EXHAUSTED)])
async def test_a_server_without_room_has_a_warning(
    redis: WatchedRedis, redis_server: RedisServer, policy: str, room: Room
) -> None:
    observer = Observer(redis, SETTINGS)
    assert [] == (await observer.look(NOW)).warnings
    redis_server.configure("maxmemory-policy", policy)
    redis_server.configure("maxmemory", "1")
    overview = await observer.look(NOW)
    (node,) = overview.nodes
    assert [f"{node.address}: {WARNINGS[room]}"] == overview.warnings
    assert overview.warnings == document(overview)["warnings"]


def test_half_way_to_full_only_new_swarms_are_refused() -> None:
    vitals = Vitals("7.0.15", "master", 92, 100, 0, 0, 0)
    warnings = [*_warnings([Node("a:1", vitals), Node("b:1", None)], 0.9)]
    assert [f"a:1: {WARNINGS[SCARCE]}"] == warnings
