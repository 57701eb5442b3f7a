"""Who is alive, as several frontends see it through one Redis."""

import math
from collections.abc import Callable

import msgpack
import pytest
from structlog.testing import capture_logs

from tests.redis_servers import RedisServer
from tests.store.asking import NOW, WatchedRedis, replies_to
from tracker.errors import Corrupt
from tracker.model import Facts, FrontendId
from tracker.store.frontends import (
    FACTS_KEPT,
    LONGEST_NAME,
    MOST,
    MOST_FACTS,
    MOST_HEARD,
    REREAD_BEATS,
    Frontend,
    Frontends,
    registered,
)
from tracker.store.keys import FRONTENDS, facts_key

DEAD_AFTER_S = 15
A, B, C, D = b"frontenA", b"frontenB", b"frontenC", b"frontenD"
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

    async def __call__(self) -> int:
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
    assert [] == await one.beat(FACTS)
    assert [A] == await other.beat(FACTS)
    assert [A] == list(other)
    assert [] == list(one)
    assert [B] == await one.beat(FACTS)
    assert [B] == list(one)
    assert [] == await one.beat(FACTS)  # it is not new any more


async def test_who_gives_no_sign_is_dead_after_its_time(frontend: Make, clock: Clock) -> None:
    one, other = frontend(A), frontend(B)
    await other.beat(FACTS)
    clock.now_s += DEAD_AFTER_S - 1
    await one.beat(FACTS)
    assert [B] == list(one)
    assert B not in one.dead
    clock.now_s += 1
    await one.beat(FACTS)
    assert [] == list(one)
    assert B in one.dead
    await other.beat(FACTS)
    await one.beat(FACTS)
    assert [B] == list(one)
    assert B not in one.dead


async def test_the_dead_that_are_remembered_are_bounded(frontend: Make) -> None:
    one = frontend(A)
    for number in range(MOST + 10):
        one.lost(number.to_bytes(8, "big"))
    found = [number.to_bytes(8, "big") in one.dead for number in range(MOST + 10)]
    assert [False] * 10 + [True] * MOST == found


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
    assert B in one.dead
    clock.now_s += 1
    await other.beat(FACTS)
    await one.beat(FACTS)
    assert [B] == list(one)


async def test_a_frontend_that_was_heard_is_alive_until_the_next_sign_of_life_is_read(
    frontend: Make,
) -> None:
    one, other = frontend(A), frontend(B)
    await one.beat(FACTS)
    for sender in (A, B, C):
        one.heard(sender)
    assert {B, C} == set(one)
    assert 1 == one.sharing  # what they serve is not known
    await other.beat(FACTS)
    await one.beat(FACTS)
    assert [B] == list(one)  # C is not registered
    assert 2 == one.sharing


async def test_a_frontend_that_drains_shares_no_budgets(frontend: Make) -> None:
    one, other = frontend(A), frontend(B)
    await other.beat(FACTS)
    await one.beat(FACTS)
    assert 2 == one.sharing
    await other.beat(FACTS._replace(ports={}))
    for _ in range(REREAD_BEATS):
        await one.beat(FACTS)
    assert ([B], 1) == (list(one), one.sharing)


async def test_a_frontend_that_was_heard_and_then_lost_stays_lost_until_its_heartbeat(
    frontend: Make, clock: Clock
) -> None:
    one, other = frontend(A), frontend(B)
    await one.beat(FACTS)
    one.lost(B)
    one.heard(B)
    assert [B] == list(one)
    one.lost(B)
    one.heard(B)
    assert [] == list(one)
    clock.now_s += 1
    await other.beat(FACTS)
    await one.beat(FACTS)
    assert [B] == list(one)


async def test_forged_senders_are_bounded(frontend: Make) -> None:
    one = frontend(A)
    await one.beat(FACTS)
    for _ in range(2):
        for number in range(MOST_HEARD + 10):
            one.heard(number.to_bytes(8, "big"))
        assert MOST_HEARD == len(list(one))
        await one.beat(FACTS)
        assert [] == list(one)


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


async def test_what_no_frontend_wrote_into_the_registry_is_reported_and_left_out(
    frontend: Make, redis: WatchedRedis
) -> None:
    one, other = frontend(A), frontend(B)
    await other.beat(FACTS)
    for score, member in (
        ("+inf", b"infinite"),
        ("1e300", b"far away"),
        (NOW + 10, b"odd"),
        (NOW + 10, b"\xff" * 1000),
        (
            "-inf",
            b"minus...",
        ),
    ):
        await replies_to(redis, "ZADD", FRONTENDS, score, member)
    with capture_logs() as logs:
        await one.beat(FACTS)
        assert [B] == list(one)
        assert [A, B] == [each.id for each in await registered(redis)]
    assert ["tracker:frontends"] == [entry["key"] for entry in logs]


@pytest.mark.parametrize(
    "data",
    [
        b"garbage",
        b"\x91" * 60_000,
        b"\xff" * (MOST_FACTS + 1000),
        msgpack.packb(FACTS._replace(browsers=-1)._asdict()),
        msgpack.packb(FACTS._replace(beat=math.nan)._asdict()),
        msgpack.packb(FACTS._replace(since=2**63)._asdict()),
        msgpack.packb({**FACTS._asdict(), "requests": {"http": "many"}}),
    ],
)
async def test_facts_that_cannot_be_read_are_left_out(
    frontend: Make, redis: WatchedRedis, data: bytes
) -> None:
    await frontend(A).beat(FACTS)
    await replies_to(redis, "SET", facts_key(A), data)
    assert [Frontend(A, NOW + DEAD_AFTER_S, None)] == await registered(redis)


async def test_facts_of_another_type_cost_only_their_own_frontend(
    frontend: Make, redis: WatchedRedis
) -> None:
    await frontend(A).beat(FACTS)
    await frontend(B).beat(FACTS)
    await replies_to(redis, "DEL", facts_key(A))
    await replies_to(redis, "LPUSH", facts_key(A), "x")
    assert [None, FACTS] == [each.facts for each in await registered(redis)]


async def test_a_registry_of_another_type_is_a_clear_error_and_the_known_stay_alive(
    frontend: Make, redis: WatchedRedis
) -> None:
    one, other = frontend(A), frontend(B)
    await other.beat(FACTS)
    await one.beat(FACTS)
    await replies_to(redis, "DEL", FRONTENDS)
    await replies_to(redis, "SET", FRONTENDS, "x")
    with pytest.raises(Corrupt, match="tracker:frontends: has another type"):
        await one.beat(FACTS)
    assert [B] == list(one)
    assert [] == await registered(redis)


async def test_text_of_the_registry_cannot_control_a_terminal(
    frontend: Make, redis: WatchedRedis
) -> None:
    evil = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202e"
    facts = FACTS._replace(host=evil, version=evil * 100, ports={evil: 1}, requests={evil: 1})
    await frontend(A).beat(facts)
    (found,) = await registered(redis)
    assert found.facts is not None
    text = "".join(map(str, (found.facts.host, found.facts.version, found.facts.ports)))
    assert text.isprintable()
    assert r"\x1b]0;owned" in found.facts.host
    assert LONGEST_NAME >= len(found.facts.version) // 4  # an escape takes some characters


async def test_when_nobody_could_beat_for_a_while_the_others_get_time_to_do_it_again(
    frontend: Make, clock: Clock
) -> None:
    one, other = frontend(A), frontend(B)
    await other.beat(FACTS)
    await one.beat(FACTS)
    clock.now_s += 600  # Redis was full, for all
    await one.beat(FACTS)
    assert [B] == list(one)
    clock.now_s += DEAD_AFTER_S
    await one.beat(FACTS)
    assert [] == list(one)


@pytest.mark.parametrize("skew_s", [-60, 60])
async def test_a_primary_with_another_clock_changes_nothing(
    frontend: Make, clock: Clock, skew_s: int
) -> None:
    one, other = frontend(A), frontend(B)
    await other.beat(FACTS)
    await one.beat(FACTS)
    clock.now_s += skew_s
    await one.beat(FACTS)
    assert [B] == list(one)
    await other.beat(FACTS)
    await one.beat(FACTS)
    assert [B] == list(one)


async def test_frontends_share_budgets_with_those_that_serve_a_protocol_of_theirs(
    frontend: Make, redis: WatchedRedis, clock: Clock
) -> None:
    served = {A: ("http", "ws"), B: ("http", "ws"), C: ("udp",), D: ("http", "udp", "ws")}
    registries = {me: frontend(me) for me in served}
    assert {1} == {each.sharing for each in registries.values()}
    for _ in range(2):
        for me, each in registries.items():
            await each.beat(FACTS._replace(ports=dict.fromkeys(served[me], 8000)))
    assert {A: 3, B: 3, C: 2, D: 4} == {me: each.sharing for me, each in registries.items()}
    registries[A].lost(B)
    assert 2 == registries[A].sharing
    clock.now_s += DEAD_AFTER_S - 1
    await registries[C].beat(FACTS._replace(ports={"udp": 8000}))
    clock.now_s += 1
    await registries[C].beat(FACTS._replace(ports={"udp": 8000}))
    assert 1 == registries[C].sharing


async def test_a_frontend_whose_facts_are_missing_shares_budgets_until_they_are_there(
    frontend: Make, redis: WatchedRedis, redis_server: RedisServer
) -> None:
    one, other = frontend(A), frontend(B)
    await other.beat(FACTS._replace(ports={"udp": 8000}))
    await replies_to(redis, "DEL", facts_key(B))
    await one.beat(FACTS)
    assert 2 == one.sharing
    await other.beat(FACTS._replace(ports={"udp": 8000}))
    await one.beat(FACTS)
    assert 1 == one.sharing
    with redis_server.client() as client:
        client.flushall()
    await one.beat(FACTS)
    assert ([B], 1) == (list(one), one.sharing)


async def test_the_facts_of_each_frontend_are_read_once(
    frontend: Make, redis: WatchedRedis, redis_server: RedisServer
) -> None:
    one, other = frontend(A), frontend(B)
    await other.beat(FACTS)
    await one.beat(FACTS)
    await replies_to(redis, "CONFIG", "RESETSTAT")
    for _ in range(3):
        await one.beat(FACTS)
    with redis_server.client() as client:
        assert "cmdstat_getrange" not in client.info("commandstats")
