import pytest

from tests.redis_servers import RedisServer
from tests.store.asking import (
    HASH,
    NOW,
    WatchedRedis,
    a_plan,
    announce_all,
    ipv4,
    replies_to,
    scrape,
)
from tracker.model import Counts, Family, FrontendId
from tracker.store import burial as module
from tracker.store.burial import Burial
from tracker.store.keys import FRONTENDS, swarm_key
from tracker.store.swarms import RedisSwarms

DEAD, ALIVE, OTHER = b"dead]*[?", b"alive...", b"other..."
SWARM = swarm_key(Family.BROWSER, HASH)


@pytest.fixture
def burial(redis: WatchedRedis) -> Burial:
    return Burial(redis)


def browser(number: int, frontend: FrontendId) -> bytes:
    return number.to_bytes(20, "big") + frontend


def info_hash(number: int) -> bytes:
    return number.to_bytes(20, "big")


async def register(redis: WatchedRedis, frontend: FrontendId, expires_at: int) -> None:
    await replies_to(redis, "ZADD", FRONTENDS, expires_at, frontend)


def members(server: RedisServer, key: bytes = SWARM) -> set[bytes]:
    with server.client() as client:
        return {*client.zrange(key, 0, -1)}


# -- the registry ------------------------------------------------------------------------------


async def test_the_dead_are_those_whose_time_was_up(burial: Burial, redis: WatchedRedis) -> None:
    await register(redis, DEAD, NOW)
    await register(redis, ALIVE, NOW + 1)
    assert [] == await burial.dead(NOW - 1)
    assert [DEAD] == await burial.dead(NOW)


async def test_the_dead_are_forgotten_once(burial: Burial, redis: WatchedRedis) -> None:
    await register(redis, DEAD, NOW)
    await register(redis, ALIVE, NOW + 1)
    assert 1 == await burial.forget(NOW)
    assert 0 == await burial.forget(NOW)
    assert [[ALIVE]] == await replies_to(redis, "ZRANGE", FRONTENDS, 0, -1)


async def test_who_came_back_is_not_forgotten(burial: Burial, redis: WatchedRedis) -> None:
    await register(redis, DEAD, NOW)
    assert [DEAD] == await burial.dead(NOW)
    await register(redis, DEAD, NOW + 15)
    assert 0 == await burial.forget(NOW)


# -- their browsers ----------------------------------------------------------------------------


async def test_browsers_of_the_dead_are_removed_from_all_swarms_whatever_their_role(
    burial: Burial, swarms: RedisSwarms, redis_server: RedisServer
) -> None:
    plans = [
        a_plan(browser(n, frontend), info_hash=info_hash(swarm), seeding=n % 2 == 0)
        for swarm in range(50)
        for frontend in (DEAD, ALIVE, OTHER)
        for n in range(2)
    ]
    await announce_all(swarms, plans)
    assert 50 * 4 == await burial.remove_browsers([DEAD, OTHER])
    kept = {browser(n, ALIVE) for n in range(2)}
    for swarm in range(50):
        assert kept == members(redis_server, swarm_key(Family.BROWSER, info_hash(swarm)))
    assert 0 == await burial.remove_browsers([DEAD, OTHER])


async def test_a_large_swarm_is_looked_through_in_small_steps(
    burial: Burial, redis_server: RedisServer, redis: WatchedRedis
) -> None:
    frontends = (DEAD, ALIVE, ALIVE)
    everybody = {browser(n, frontends[n % 3]): NOW for n in range(6000)}
    with redis_server.client() as client:
        client.zadd(SWARM, everybody)
    redis.forget()
    assert 2000 == await burial.remove_browsers([DEAD])
    assert {member for member in everybody if member.endswith(ALIVE)} == members(redis_server)
    assert redis.round_trips > 6000 / (2 * module.MEMBERS_AT_ONCE)


async def test_a_swarm_of_the_dead_alone_is_gone(
    burial: Burial, swarms: RedisSwarms, redis_server: RedisServer
) -> None:
    await announce_all(swarms, [a_plan(browser(n, DEAD)) for n in range(3)])
    assert 3 == await burial.remove_browsers([DEAD])
    with redis_server.client() as client:
        assert not client.exists(SWARM)


async def test_other_peers_and_completed_counts_stay(burial: Burial, swarms: RedisSwarms) -> None:
    endpoint = ipv4(1)
    assert len(endpoint) == 6
    await announce_all(
        swarms,
        [
            a_plan(endpoint),
            a_plan(browser(1, DEAD)),
            a_plan(browser(1, DEAD), seeding=True, completed=True),
        ],
    )
    await burial.remove_browsers([DEAD, endpoint])
    assert [Counts(0, 0, 1)] == await scrape(swarms)
    assert [Counts(0, 1, 0)] == await scrape(swarms, family=Family.BROWSER)
