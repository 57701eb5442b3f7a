"""Who is alive, as several frontends see it through one Redis."""

from collections.abc import Callable

import pytest

from tests.redis_servers import RedisServer
from tests.store.asking import NOW, WatchedRedis, replies_to
from tracker.model import Facts, FrontendId
from tracker.store.frontends import FACTS_KEPT, Frontend, Frontends, registered
from tracker.store.keys import FRONTENDS, facts_key

DEAD_AFTER_S = 15
A, B, C = b"frontenA", b"frontenB", b"frontenC"
FACTS = Facts(
    version="1.0",
    host="here",
    pid=7,
    since=NOW,
    beat=NOW + 0.5,
    ports={"http": 80},
    requests={"http": 3},
    connections=2,
    browsers=1,
    relay_us=None,
)


class Clock:
    now_s = NOW

    def __call__(self) -> int:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def frontend(redis: WatchedRedis, clock: Clock) -> Callable[[FrontendId], Frontends]:
    return lambda me: Frontends(redis, me, DEAD_AFTER_S, clock)


Make = Callable[[FrontendId], Frontends]


async def test_frontends_see_each_other_after_their_first_sign_of_life(frontend: Make) -> None:
    one, other = frontend(A), frontend(B)
    assert A in one.alive
    await one.beat(FACTS)
    await other.beat(FACTS)
    assert [A] == list(other)
    assert [] == list(one)
    await one.beat(FACTS)
    assert [B] == list(one)
    assert A in one.alive
    assert B in one.alive


async def test_who_gives_no_sign_is_dead_after_its_time(frontend: Make, clock: Clock) -> None:
    one, other = frontend(A), frontend(B)
    await other.beat(FACTS)
    clock.now_s += DEAD_AFTER_S - 1
    await one.beat(FACTS)
    assert [B] == list(one)
    clock.now_s += 1
    await one.beat(FACTS)
    assert [] == list(one)
    await other.beat(FACTS)
    await one.beat(FACTS)
    assert [B] == list(one)


async def test_who_was_not_reached_counts_again_with_its_next_sign(
    frontend: Make, clock: Clock
) -> None:
    one, other = frontend(A), frontend(B)
    await other.beat(FACTS)
    await one.beat(FACTS)
    one.lost(B)
    assert [] == list(one)
    await one.beat(FACTS)
    assert [] == list(one)
    clock.now_s += 1
    await other.beat(FACTS)
    await one.beat(FACTS)
    assert [B] == list(one)


async def test_who_was_not_reached_and_never_seen_is_no_trouble(frontend: Make) -> None:
    one, other = frontend(A), frontend(B)
    one.lost(B)
    await other.beat(FACTS)
    await one.beat(FACTS)
    assert [B] == list(one)


async def test_when_redis_lost_the_registry_the_known_live_on_until_their_time(
    frontend: Make, clock: Clock, redis_server: RedisServer
) -> None:
    one, other = frontend(A), frontend(B)
    await other.beat(FACTS)
    await one.beat(FACTS)
    with redis_server.client() as client:
        client.flushall()
    await one.beat(FACTS)
    assert [B] == list(one)
    clock.now_s += DEAD_AFTER_S
    await one.beat(FACTS)
    assert [] == list(one)


async def test_who_resigned_is_not_told_of(frontend: Make, redis: WatchedRedis) -> None:
    await frontend(A).beat(FACTS)
    await frontend(B).beat(FACTS)
    await frontend(A).resign()
    assert [B] == [each.id for each in await registered(redis)]


async def test_the_registry_tells_what_frontends_told(
    frontend: Make, redis: WatchedRedis, clock: Clock
) -> None:
    await frontend(B).beat(FACTS)
    await frontend(A).beat(FACTS)
    clock.now_s += 2 * DEAD_AFTER_S
    await frontend(C).beat(FACTS._replace(relay_us=150))
    assert [
        Frontend(A, NOW + DEAD_AFTER_S, FACTS),
        Frontend(B, NOW + DEAD_AFTER_S, FACTS),
        Frontend(C, clock.now_s + DEAD_AFTER_S, FACTS._replace(relay_us=150)),
    ] == await registered(redis)


async def test_an_empty_registry_tells_of_nobody(redis: WatchedRedis) -> None:
    assert [] == await registered(redis)


async def test_facts_of_another_version_are_left_out(frontend: Make, redis: WatchedRedis) -> None:
    await frontend(A).beat(FACTS)
    await replies_to(redis, "SET", facts_key(A), b"\x81\xa5color\xa3red")
    assert [Frontend(A, NOW + DEAD_AFTER_S, None)] == await registered(redis)


async def test_facts_vanish_by_themselves(frontend: Make, redis: WatchedRedis) -> None:
    await frontend(A).beat(FACTS)
    assert [FACTS_KEPT * DEAD_AFTER_S] == await replies_to(redis, "TTL", facts_key(A))
    assert [1] == await replies_to(redis, "ZCARD", FRONTENDS)
