"""A primary that Sentinels find, and find again when another takes its place."""

from collections.abc import Callable
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from tests.redis_clusters import SentinelGroup, sentinel_group
from tests.redis_servers import RedisServer, StartRedis, TlsFiles
from tests.store.asking import connected, replies_to, swarms_on, until
from tests.store.load import load
from tests.tools import reserved_port
from tracker.errors import Unavailable
from tracker.metrics import Metrics
from tracker.settings import RedisSettings
from tracker.store.connect import connect
from tracker.store.sentinel import Sentinels

SETTINGS = RedisSettings()  # the defaults
LIMIT_S = 1.0


@pytest.mark.parametrize("stop", [RedisServer.kill, RedisServer.pause])
async def test_a_replica_takes_the_place_of_a_primary_that_is_gone(
    start_redis: StartRedis, tmp_path: Path, stop: Callable[[RedisServer], None]
) -> None:
    with sentinel_group(start_redis, tmp_path) as group:
        async with connected(group.url, SETTINGS) as redis:
            async with load(swarms_on(redis), 10) as running:
                stop(group.servers[0])
                await running.all_answered()
            assert running.failures
            assert running.longest_gap_s <= 6
            assert running.longest_wait_s <= 2
            [primary] = redis.primaries()
            assert f"127.0.0.1:{group.primary().port}" == str(primary.address)
            assert group.primary() is not group.servers[0]


async def test_some_of_the_sentinels_are_enough(start_redis: StartRedis, tmp_path: Path) -> None:
    with sentinel_group(start_redis, tmp_path) as group, reserved_port() as closed:
        group.sentinels[0].kill()
        sentinels = Sentinels(group.url.replace("//", f"//127.0.0.1:{closed},", 1), LIMIT_S)
        for _ in range(2):
            assert f"127.0.0.1:{group.servers[0].port}" == str(await sentinels.find())
        for sentinel in group.sentinels[1:]:
            sentinel.kill()
        with pytest.raises(Unavailable):
            await sentinels.find()


async def test_credentials_and_tls_are_those_of_the_url(
    start_redis: StartRedis, tmp_path: Path, tls_files: TlsFiles
) -> None:
    secrets = {"password": "secret", "sentinel_password": "hidden"}
    with sentinel_group(start_redis, tmp_path, tls=tls_files, **secrets) as group:
        with group.servers[0].client() as client:
            client.acl_setuser("alice", enabled=True, passwords=["+pass"], categories=["+@all"])
        url = group.url.replace(":secret@", "alice:pass@").replace("/tracker", "/tracker/3")
        async with connected(url, SETTINGS) as redis:
            assert [b"alice"] == await replies_to(redis, "ACL", "WHOAMI")
            [info] = await replies_to(redis, "CLIENT", "INFO")
            assert isinstance(info, bytes)
            assert b" db=3 " in info
        with capture_logs() as logs:
            stranger = connect(group.url.replace("hidden", "wrong"), SETTINGS, Metrics())
            await stranger.start()
            await until(lambda: bool(logs))
            await stranger.close()
        assert ["redis.away"] == [each["event"] for each in logs]
        assert "hidden" not in str(logs)
        assert "secret" not in str(logs)


async def test_who_is_asked_for_another_service_or_is_no_sentinel_knows_no_primary(
    start_redis: StartRedis, tmp_path: Path
) -> None:
    with sentinel_group(start_redis, tmp_path) as group:
        port = group.servers[0].port
        for url in (group.url + "s", f"redis+sentinel://127.0.0.1:{port}/{SentinelGroup.SERVICE}"):
            with pytest.raises(Unavailable):
                await Sentinels(url, LIMIT_S).find()
