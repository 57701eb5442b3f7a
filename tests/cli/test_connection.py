import pytest
from pydantic import SecretStr

from tests.redis_servers import RedisServer
from tests.store.asking import replies_to
from tests.tools import reserved_port
from tracker.cli import connection
from tracker.cli.connection import connected
from tracker.errors import Unavailable
from tracker.settings import RedisSettings


def settings(url: str) -> RedisSettings:
    return RedisSettings(url=SecretStr(url))


async def test_it_stands_within_the_context_and_is_closed_after(redis_server: RedisServer) -> None:
    async with connected(settings(redis_server.url)) as redis:
        assert [b"PONG"] == await replies_to(redis, "PING")
    assert not redis.up


async def test_nobody_there_is_told_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "_WAIT_S", 0.1)
    with (
        reserved_port() as closed,
        pytest.raises(Unavailable, match=rf"^Redis at 127\.0\.0\.1:{closed} is away: "),
    ):
        async with connected(settings(f"redis://127.0.0.1:{closed}")):
            pytest.fail("it stands")


async def test_a_bad_url_is_told() -> None:
    with pytest.raises(ValueError, match="nonsense"):
        async with connected(settings("redis://x?nonsense=1")):
            pytest.fail("it stands")
