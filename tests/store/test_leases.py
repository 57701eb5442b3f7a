"""Leases, and writes that only the holder of the newest one may make."""

import asyncio
import time

import pytest

from tests.redis_servers import RedisServer
from tests.store.asking import WatchedRedis, replies_to
from tracker.errors import Superseded, Unavailable
from tracker.store import fenced
from tracker.store.keys import lease_keys
from tracker.store.leases import Leases

KEY = b"some hash"


def leases(redis: WatchedRedis, holder: bytes, ttl_s: float = 15.0) -> Leases:
    return Leases(redis, holder, ttl_s)


async def test_one_holds_a_lease_until_it_is_given_back(redis: WatchedRedis) -> None:
    one, other = leases(redis, b"one"), leases(redis, b"other")
    token = await one.acquire("job")
    assert token
    assert None is await other.acquire("job")
    assert token == await one.acquire("job")
    await other.release("job")
    assert None is await other.acquire("job")
    await one.release("job")
    later = await other.acquire("job")
    assert later
    assert later > token


async def test_leases_of_different_names_are_apart(redis: WatchedRedis) -> None:
    assert await leases(redis, b"one").acquire("job")
    assert await leases(redis, b"other").acquire("another")


async def test_a_lease_that_is_not_renewed_ends(redis: WatchedRedis) -> None:
    token = await leases(redis, b"one", 0.05).acquire("job")
    other = leases(redis, b"other")
    async with asyncio.timeout(5):
        while (later := await other.acquire("job")) is None:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert token
    assert later > token


async def test_who_lost_its_lease_and_takes_it_again_has_another_token(redis: WatchedRedis) -> None:
    one = leases(redis, b"one")
    token = await one.acquire("job")
    await replies_to(redis, "DEL", lease_keys("job")[0])
    later = await one.acquire("job")
    assert token
    assert later
    assert later > token


async def test_tokens_go_on_where_the_last_one_was_lost(
    redis: WatchedRedis, redis_server: RedisServer
) -> None:
    """Or what it fenced, on another server, could be written by nobody."""
    token = await leases(redis, b"one").acquire("job")
    with redis_server.client() as client:
        client.flushall()
    later = await leases(redis, b"other").acquire("job")
    assert token
    assert later
    assert later > token


async def test_a_write_replaces_all_and_lives_as_long_as_told(redis: WatchedRedis) -> None:
    await fenced.publish(redis, KEY, {"a": 1, "b": b"\0"}, token=5, ttl_s=60)
    await fenced.publish(redis, KEY, {"c": "x"}, token=5, ttl_s=60)
    assert [[b"fence", b"5", b"c", b"x"]] == await replies_to(redis, "HGETALL", KEY)
    assert [60] == await replies_to(redis, "TTL", KEY)


async def test_a_write_that_comes_too_late_is_refused(redis: WatchedRedis) -> None:
    await fenced.publish(redis, KEY, {"by": "new"}, token=6, ttl_s=60)
    with pytest.raises(Superseded):
        await fenced.publish(redis, KEY, {"by": "old"}, token=5, ttl_s=60)
    assert [[b"fence", b"6", b"by", b"new"]] == await replies_to(redis, "HGETALL", KEY)


async def test_without_redis_there_is_no_lease(
    redis: WatchedRedis, redis_server: RedisServer
) -> None:
    redis_server.kill()
    with pytest.raises(Unavailable):
        await leases(redis, b"one").acquire("job")


async def test_what_no_worker_wrote_does_not_keep_the_lease(redis: WatchedRedis) -> None:
    key, tokens = lease_keys("job")
    await replies_to(redis, "SET", key, "a holder that stays for ever")
    for damage in ("garbage", "inf", "nan", "-5", "1e300"):
        await replies_to(redis, "SET", tokens, damage)
        token = await Leases(redis, b"me", 10.0).acquire("job")
        assert token is not None
        assert abs(token / 1000 - time.time()) < 60


@pytest.mark.parametrize("fence", ["garbage", "inf", "nan", "1e300", ""])
async def test_a_damaged_fence_does_not_refuse_all_writers(redis: WatchedRedis, fence: str) -> None:
    await replies_to(redis, "HSET", b"hash", "fence", fence)
    await fenced.publish(redis, b"hash", {"by": "me"}, token=7, ttl_s=60)
    assert [b"me"] == await replies_to(redis, "HGET", b"hash", "by")
