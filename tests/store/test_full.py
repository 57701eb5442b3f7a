"""A full Redis stores no new peers; what the cluster itself keeps there finds room."""

from functools import partial

import pytest

from tests.redis_servers import RedisServer
from tests.store.asking import NOW, WatchedRedis, a_plan, announce, at, ipv4, swarms_on
from tests.store.test_frontends import FACTS, A, B
from tests.store.test_history import snapshot
from tracker.model import Counts
from tracker.settings import WorkersSettings
from tracker.store.census import Census
from tracker.store.epochs import Epochs
from tracker.store.frontends import Frontends, registered
from tracker.store.history import History
from tracker.store.leases import Leases
from tracker.store.redis_time import redis_time
from tracker.store.secrets import SecretStore, fresh_ring


@pytest.fixture
def full(redis_server: RedisServer) -> None:
    redis_server.configure("maxmemory", "1")


@pytest.mark.usefixtures("full")
async def test_an_announce_is_answered_and_not_stored_while_redis_is_full(
    redis: WatchedRedis,
) -> None:
    view = await announce(swarms_on(redis), a_plan(ipv4(1)))
    assert (Counts(0, 0, 0), False) == (view.counts, view.new)


@pytest.mark.usefixtures("full")
async def test_frontends_are_alive_while_redis_is_full(redis: WatchedRedis) -> None:
    now = partial(redis_time, redis)
    one, other = Frontends(redis, A, 15, now), Frontends(redis, B, 15, now)
    for _ in range(2):
        await one.beat(FACTS)
        await other.beat(FACTS)
    assert [B] == list(one)
    assert [FACTS, FACTS] == [each.facts for each in await registered(redis)]


@pytest.mark.usefixtures("full")
async def test_jobs_are_led_and_publish_while_redis_is_full(redis: WatchedRedis) -> None:
    leases = Leases(redis, b"me", 15.0)
    token = await leases.acquire("job")
    assert token
    assert token == await leases.acquire("job")
    census, history = Census(redis), History(redis, WorkersSettings())
    await census.publish(snapshot(NOW), token=token, ttl_s=60)
    await history.record(snapshot(NOW))
    assert snapshot(NOW) == await census.published()
    assert [NOW] == [point.at for point in await history.points()]


@pytest.mark.usefixtures("full")
async def test_marks_and_secrets_are_kept_while_redis_is_full(redis: WatchedRedis) -> None:
    epochs = Epochs(redis, at(NOW))
    assert [0, 0] == [await epochs.look(), await epochs.look()]
    ring = fresh_ring(NOW)
    store = SecretStore(redis, 60)
    assert [ring, ring] == [await store.shared(ring), await store.shared(fresh_ring(NOW))]
