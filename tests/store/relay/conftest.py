"""Frontends that relay to each other through each kind of Redis."""

from collections.abc import AsyncIterator

import pytest

from tests.redis_servers import RedisServer
from tests.store.relay.parties import A, B, C, Party, acquaint, party


@pytest.fixture
async def one(redis_server: RedisServer) -> AsyncIterator[Party]:
    async with party(redis_server.url, A) as one:
        yield one


@pytest.fixture
async def two(redis_server: RedisServer, one: Party) -> AsyncIterator[Party]:
    async with party(redis_server.url, B) as two:
        await acquaint(one, two)
        yield two


@pytest.fixture
async def three(redis_server: RedisServer, one: Party, two: Party) -> AsyncIterator[Party]:
    async with party(redis_server.url, C) as three:
        await acquaint(one, two, three)
        yield three
