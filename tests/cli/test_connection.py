import asyncio

import pytest
from pydantic import SecretStr

from tests.redis_servers import RedisServer
from tests.store.asking import replies_to
from tests.tools import reserved_port
from tracker.cli.connection import connected
from tracker.errors import Away
from tracker.settings import RedisSettings

DEADLINE_S = 20.0


def settings(url: str) -> RedisSettings:
    return RedisSettings(url=SecretStr(url))


async def test_it_stands_within_the_context_and_is_closed_after(redis_server: RedisServer) -> None:
    async with connected(settings(redis_server.url)) as redis:
        assert [b"PONG"] == await replies_to(redis, "PING")
    assert not redis.up


async def test_the_first_attempt_that_fails_ends_the_wait() -> None:
    with reserved_port() as closed:
        problem = rf"^cannot use Redis at 127\.0\.0\.1:{closed}: connection refused; "
        url = f"redis://127.0.0.1:{closed}"
        with pytest.raises(Away, match=problem):
            async with asyncio.timeout(DEADLINE_S), connected(settings(url)):
                pytest.fail("it stands")


async def test_a_bad_url_is_told() -> None:
    with pytest.raises(ValueError, match="nonsense"):
        async with connected(settings("redis://x?nonsense=1")):
            pytest.fail("it stands")
