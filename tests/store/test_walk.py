import asyncio
from collections.abc import Iterable

import pytest

from tests.redis_servers import RedisServer
from tests.store.asking import HASH, NOW, SETTINGS, WatchedRedis
from tracker.errors import Unavailable
from tracker.metrics import Metrics
from tracker.model import Family
from tracker.store import walk as module
from tracker.store.connect import connect
from tracker.store.keys import swarm_key
from tracker.store.walk import STEP, walk

EVERY = b"*"


class Steps:
    """A visitor that notes each step."""

    def __init__(self) -> None:
        self.seen: list[list[bytes]] = []

    async def __call__(self, keys: list[bytes]) -> None:
        self.seen.append(keys)

    @property
    def keys(self) -> set[bytes]:
        return {key for keys in self.seen for key in keys}


def put(server: RedisServer, keys: Iterable[bytes]) -> set[bytes]:
    """Swarms of one peer each."""
    made = set(keys)
    with server.client() as client, client.pipeline(transaction=False) as batch:
        for key in made:
            batch.zadd(key, {"peer": NOW})
        batch.execute()
    return made


def swarms(count: int, family: Family = Family.IPV4) -> Iterable[bytes]:
    return (swarm_key(family, number.to_bytes(20, "big")) for number in range(count))


async def test_all_swarms_are_seen_in_small_steps_with_pauses(
    redis: WatchedRedis, redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    sleep = asyncio.sleep

    async def pause(seconds: float) -> None:
        pauses.append(seconds)
        await sleep(0)

    monkeypatch.setattr(asyncio, "sleep", pause)
    made, steps = put(redis_server, swarms(1000)), Steps()
    await walk(redis, EVERY, steps)
    assert made == steps.keys
    assert max(map(len, steps.seen)) < 2 * STEP  # a step ends with a whole bucket of keys
    assert len(pauses) >= len(steps.seen) >= 1000 / (2 * STEP)
    assert {module.PAUSE_S} == set(pauses)


async def test_only_sorted_sets_that_may_be_swarms_are_seen(
    redis: WatchedRedis, redis_server: RedisServer
) -> None:
    made, steps = put(redis_server, [swarm_key(Family.IPV6, HASH)]), Steps()
    put(redis_server, [b"4{:short}", b"tracker:history"])
    with redis_server.client() as client:
        client.set(swarm_key(Family.IPV4, HASH), "no sorted set")
    await walk(redis, EVERY, steps)
    assert made == steps.keys


async def test_only_keys_of_the_pattern_are_seen(
    redis: WatchedRedis, redis_server: RedisServer
) -> None:
    put(redis_server, swarms(10))
    made, steps = put(redis_server, swarms(10, Family.BROWSER)), Steps()
    await walk(redis, b"w{:*", steps)
    assert made == steps.keys


async def test_a_redis_that_is_away_is_not_an_empty_one() -> None:
    redis = connect("unix:///nowhere/redis.sock", SETTINGS, Metrics())
    with pytest.raises(Unavailable):
        await walk(redis, EVERY, Steps())


async def test_a_visitors_trouble_ends_the_walk(
    redis: WatchedRedis, redis_server: RedisServer
) -> None:
    put(redis_server, swarms(1))

    async def fail(keys: list[bytes]) -> None:
        raise Unavailable(f"no {len(keys)}")

    with pytest.raises(Unavailable, match="no 1"):
        await walk(redis, EVERY, fail)


async def test_a_walk_that_is_cut_visits_no_more(
    redis: WatchedRedis, redis_server: RedisServer
) -> None:
    put(redis_server, swarms(1000))
    visits, visited = 0, asyncio.Event()

    async def visit(_: list[bytes]) -> None:
        nonlocal visits
        visits += 1
        visited.set()
        await asyncio.Event().wait()

    walking = asyncio.create_task(walk(redis, EVERY, visit))
    await visited.wait()
    walking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await walking
    assert 1 == visits
