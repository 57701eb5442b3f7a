import pytest

from tests.redis_servers import RedisServer, StartRedis
from tests.store.asking import WatchedRedis, connected
from tests.store.fake_redis import fake_redis
from tracker.store.nodes import nodes


async def test_a_primary_tells_its_vitals(redis: WatchedRedis, redis_server: RedisServer) -> None:
    with redis_server.client() as client:
        client.config_set("maxmemory", 123 << 20)
        try:
            ((address, vitals),) = await nodes(redis)
        finally:
            client.config_set("maxmemory", 0)
    assert redis_server.url == address
    assert vitals is not None
    assert (redis_server.version, "master", 123 << 20, 0) == (
        tuple(map(int, vitals.version.split("."))),
        vitals.role,
        vitals.max_memory,
        vitals.replicas,
    )
    assert 100_000 < vitals.memory < 123 << 20
    assert vitals.clients >= 2
    assert vitals.commands_per_second >= 0


async def test_a_primary_that_is_away_has_none(
    redis: WatchedRedis, redis_server: RedisServer
) -> None:
    redis_server.pause()
    assert [(redis_server.url, None)] == await nodes(redis)


async def test_a_primary_that_does_not_let_us_ask_has_none(start_redis: StartRedis) -> None:
    server = start_redis()
    with server.client() as client:
        client.acl_setuser(
            *("default", True, True),  # enabled, without a password
            categories=["+@all"],
            commands=["-info"],
            keys=["*"],
        )
    async with connected(server.url) as redis:
        assert [(server.url, None)] == await nodes(redis)


@pytest.mark.parametrize(
    "info",
    [
        b"$4\r\ntext\r\n",
        b":1\r\n",
        b"$-1\r\n",
        b"$2\r\n\xff\xfe\r\n",
        b"$17\r\nredis_version:1\r\n\r\n",
    ],
)
async def test_a_server_whose_vitals_cannot_be_read_has_none(info: bytes) -> None:
    async with fake_redis(info) as url, connected(url) as redis:
        (found,) = await nodes(redis)
    assert found.vitals is None
