"""The ring of UDP secrets in Redis, as frontends and workers see it."""

import pytest

from tests.redis_servers import RedisServer
from tests.store.asking import NOW, WatchedRedis, replies_to
from tracker.errors import Superseded
from tracker.policy.secrets import Ring, turned
from tracker.store.keys import SECRETS
from tracker.store.secrets import SECRET_SIZE, RingReader, SecretStore, fresh_ring, fresh_secret

TTL_S = 1000


@pytest.fixture
def store(redis: WatchedRedis) -> SecretStore:
    return SecretStore(redis, TTL_S)


def test_fresh_secrets_are_random() -> None:
    assert fresh_secret() != fresh_secret()
    ring = fresh_ring(NOW)
    assert {SECRET_SIZE} == {len(ring.current), len(ring.next)}
    assert (b"", NOW) == (ring.previous, ring.since)


async def test_the_first_ring_is_that_of_all(store: SecretStore) -> None:
    assert None is await store.published()
    one, other = fresh_ring(NOW), fresh_ring(NOW)
    assert one == await store.shared(one)
    assert one == await store.shared(other)
    assert one == await store.published()


async def test_a_ring_that_redis_lost_comes_back(
    store: SecretStore, redis_server: RedisServer
) -> None:
    ring = await store.shared(fresh_ring(NOW))
    with redis_server.client() as client:
        client.flushall()
    assert ring == await store.shared(ring)
    assert ring == await store.shared(fresh_ring(NOW))


async def test_a_ring_that_nobody_looks_at_vanishes(
    store: SecretStore, redis: WatchedRedis
) -> None:
    await store.shared(fresh_ring(NOW))
    assert [TTL_S] == await replies_to(redis, "TTL", SECRETS)


async def test_a_frontend_follows_the_ring(store: SecretStore) -> None:
    used: list[Ring] = []
    first = await store.shared(fresh_ring(NOW))
    reader = RingReader(store, fresh_ring(NOW), 5.0, used.append)
    await reader.run_once()
    await reader.run_once()
    assert [first] == used
    second = turned(first, fresh_secret(), NOW + 1)
    await store.replace(second, token=2)
    await reader.run_once()
    assert [first, second] == used
    with pytest.raises(Superseded):
        await store.replace(first, token=1)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("since", "soon"),
        ("since", "inf"),
        ("since", "9" * 30),
        ("since", "-1"),
        ("current", "short"),
        ("next", "x" * 1000),
        ("previous", "x"),
    ],
)
async def test_a_damaged_ring_is_replaced_by_the_next_frontend_that_looks(
    store: SecretStore, redis: WatchedRedis, field: str, value: str
) -> None:
    await store.shared(fresh_ring(NOW))
    await replies_to(redis, "HSET", SECRETS, field, value)
    assert None is await store.published()
    own = fresh_ring(NOW)
    assert [own, own] == [await store.shared(own), await store.shared(fresh_ring(NOW))]
