"""A single primary, as the rest of the store sees it."""

from collections.abc import AsyncIterator
from itertools import count

import pytest

from tests.redis_servers import RedisServer
from tests.store.asking import SETTINGS, replies_to, until
from tracker.errors import Unavailable
from tracker.metrics import Metrics
from tracker.store.address import Address
from tracker.store.pipeline import asked
from tracker.store.resp import command
from tracker.store.topology import One, Part


@pytest.fixture
async def one(redis_server: RedisServer) -> AsyncIterator[One]:
    one = One(Address(redis_server.url), SETTINGS, Metrics())
    await one.start()
    await one.wait_up()
    yield one
    await one.close()


async def test_all_keys_belong_to_the_only_primary(one: One) -> None:
    [primary] = one.primaries()
    assert primary is one.primary(b"one") is one.primary(b"other")
    assert [b"0"] == one.one_key_each(map(b"%d".__mod__, count()))


async def test_what_is_asked_of_several_keys_is_answered_in_order(one: One) -> None:
    await replies_to(one, "SET", "a", 1)
    parts = [
        Part(b"a", command("GET", "a"), 1),
        Part(b"b", command("SET", "b", 2) + command("GET", "b"), 2),
        Part(b"a", command("GET", "a"), 1),
    ]
    replies = await asked(lambda done: one.submit_all(parts, done))
    assert [b"1", b"OK", b"2", b"1"] == replies


async def test_it_is_up_while_it_is_connected_and_says_when_that_changes(
    one: One, redis_server: RedisServer
) -> None:
    seen: list[bool] = []
    one.on_change(lambda: seen.append(one.up))
    assert one.up
    redis_server.kill()
    await until(lambda: not one.up)
    with pytest.raises(Unavailable):
        await replies_to(one, "PING")
    redis_server.start()
    await one.wait_up()
    assert [False, True] == sorted(set(seen))
    assert seen[-1]


async def test_what_is_in_flight_is_counted(one: One) -> None:
    replies: list[object] = []
    one.submit(b"", command("PING"), 1, replies.append)
    assert 1 == one.in_flight
    await until(lambda: replies == [[b"PONG"]])
    assert 0 == one.in_flight
