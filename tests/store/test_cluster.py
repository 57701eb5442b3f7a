"""Requests to a cluster: each to the primary that has its key's slot."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from itertools import count

import pytest
from redis import Redis as Client
from structlog.testing import capture_logs

from tests.redis_clusters import RedisCluster
from tests.redis_servers import KINDS, Kind, StartRedis, TlsFiles
from tests.store.asking import (
    SETTINGS,
    WatchedRedis,
    connected,
    events,
    replies_to,
    until,
)
from tests.tools import reserved_port
from tracker.errors import Away, Overloaded, Unavailable, Unserved
from tracker.metrics import Metrics
from tracker.settings import RedisSettings
from tracker.store.cluster import Cluster
from tracker.store.connect import connect
from tracker.store.keys import slot
from tracker.store.pipeline import Pipeline, asked
from tracker.store.resp import command
from tracker.store.slots import Node, Nodes
from tracker.store.topology import Part, Redis

KEYS = [b"key %d" % number for number in range(100)]


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
async def cluster(redis_cluster: RedisCluster, metrics: Metrics) -> AsyncIterator[WatchedRedis]:
    async with connected(redis_cluster.url, SETTINGS, metrics) as redis:
        yield redis


def ports(primaries: Iterable[Pipeline]) -> set[int]:
    """Where they are connected, or tried to."""
    return {primary.address.port for primary in primaries if primary.address}


async def written(redis: Redis, keys: list[bytes]) -> None:
    """Each key has itself for its value."""
    await asyncio.gather(*(replies_to(redis, "SET", key, key) for key in keys))


async def test_each_key_is_asked_of_the_primary_that_has_it(
    cluster: WatchedRedis, redis_cluster: RedisCluster
) -> None:
    await written(cluster, KEYS)
    replies = await asyncio.gather(*(replies_to(cluster, "GET", key) for key in KEYS))
    assert [[key] for key in KEYS] == replies
    assert {redis_cluster.owner(slot(KEYS[0])).port} == ports([cluster.primary(KEYS[0])])
    for node in redis_cluster.nodes:
        with node.client() as client:
            assert client.dbsize() > 0


async def test_all_primaries_are_known_and_have_a_key_each(
    cluster: WatchedRedis, redis_cluster: RedisCluster
) -> None:
    assert {node.port for node in redis_cluster.nodes} == ports(cluster.primaries())
    keys = cluster.one_key_each(map(b"%d".__mod__, count()))
    assert len(redis_cluster.nodes) == len(keys)
    assert set(cluster.primaries()) == {cluster.primary(key) for key in keys}


async def test_what_is_asked_of_several_keys_is_answered_in_order(cluster: WatchedRedis) -> None:
    await written(cluster, KEYS)
    parts = [Part(key, command("GET", key) + command("ECHO", key), 2) for key in KEYS]
    replies = await asked(lambda done: cluster.submit_all(parts, done))
    assert [key for key in KEYS for _ in range(2)] == replies
    one = await asked(lambda done: cluster.submit_all(parts[:1], done))
    assert KEYS[:1] * 2 == one


async def test_what_is_refused_of_one_key_is_refused_of_all_once(cluster: WatchedRedis) -> None:
    await written(cluster, KEYS)
    parts = [Part(key, command("INCR" if key in KEYS[:9] else "GET", key), 1) for key in KEYS]
    results: list[object] = []
    cluster.submit_all(parts, results.append)
    await until(lambda: cluster.in_flight == 0)
    assert [Unserved] == [type(result) for result in results]


async def test_a_primary_that_takes_no_more_fails_what_is_asked_of_all(
    redis_cluster: RedisCluster,
) -> None:
    async with connected(redis_cluster.url, RedisSettings(max_in_flight=1)) as redis:
        first, second, _ = redis.one_key_each(iter(KEYS))
        parts = [Part(key, command("GET", key), 1) for key in (first, second)]
        results: list[object] = []
        redis.submit(first, command("GET", first), 1, results.append)
        with pytest.raises(Overloaded):
            redis.submit_all(parts, results.append)
        await until(lambda: results == [[None]])
        redis.submit(second, command("GET", second), 1, lambda _: None)
        redis.submit_all(parts, results.append)  # one part is on its way
        assert 1 == len(results)
        await until(lambda: redis.in_flight == 0 and len(results) == 2)
        assert Overloaded is type(results[1])


async def test_while_a_primary_is_away_its_keys_are_and_others_are_not(
    cluster: WatchedRedis, redis_cluster: RedisCluster
) -> None:
    seen: list[bool] = []
    cluster.on_change(lambda: seen.append(cluster.up))
    gone = redis_cluster.nodes[0]
    gone.kill()
    await until(lambda: not cluster.up)
    lost = [key for key in KEYS if ports([cluster.primary(key)]) == {gone.port}]
    kept = [key for key in KEYS if key not in lost]
    with pytest.raises(Unavailable):
        await replies_to(cluster, "GET", lost[0])
    assert [None] == await replies_to(cluster, "GET", kept[0])
    redis_cluster.start()
    await cluster.wait_up()
    assert [None] == await replies_to(cluster, "GET", lost[0])
    assert {True, False} == set(seen)


async def test_a_cluster_that_goes_away_is_one_line_for_each_primary(
    cluster: WatchedRedis, redis_cluster: RedisCluster
) -> None:
    tried = asyncio.Semaphore(0)
    cluster.on_change(tried.release)
    with capture_logs() as logs:
        redis_cluster.kill()
        for _ in range(30):  # attempts, and looks for the slots
            await tried.acquire()
    redis_cluster.start()
    assert ["redis.away"] * 3 == events(logs)
    nodes = {f"127.0.0.1:{node.port}" for node in redis_cluster.nodes}
    assert nodes == {line["address"] for line in logs}


async def test_a_cluster_that_comes_after_us_is_found(metrics: Metrics) -> None:
    with reserved_port() as closed:
        redis = connect(f"redis+cluster://127.0.0.1:{closed}", SETTINGS, metrics)
        with capture_logs() as logs:
            await redis.start()
            await until(lambda: bool(logs))
        assert ["redis.away"] == events(logs)
        assert not redis.up
        with pytest.raises(Unavailable):
            redis.primary(b"key")
        with pytest.raises(Unavailable):
            await replies_to(redis, "GET", "key")
        with pytest.raises(Unavailable):  # so that nobody takes it for an empty one
            await redis.primaries()[0].ask(command("SCAN", 0), 1)
        await redis.close()


async def test_a_node_that_has_slots_no_more_is_left(start_redis: StartRedis) -> None:
    options = ("--cluster-allow-replica-migration", "no")  # it stays a primary
    servers = RedisCluster(start_redis, primaries=1, options=options)
    first, added = servers.nodes[0], servers.add()
    number = slot(KEYS[0])
    async with connected(servers.url) as redis:
        servers.move(number, first, added)
        await replies_to(redis, "GET", KEYS[0])
        assert {first.port, added.port} == ports(redis.primaries())
        await redis.wait_up()
        servers.move(number, added, first)
        await replies_to(redis, "GET", KEYS[0])
        await until(lambda: {first.port} == ports(redis.primaries()))
        with added.client() as client:
            await until(lambda: names(client).count("tracker") == 0)
        assert redis.up


def names(client: Client) -> list[str]:
    """Of connections."""
    return [each["name"] for each in client.client_list()]


async def test_closing_fails_what_is_in_flight_and_leaves_no_connection(
    redis_cluster: RedisCluster,
) -> None:
    async with connected(redis_cluster.url) as redis:
        redis_cluster.pause()
        gets = [asyncio.ensure_future(replies_to(redis, "GET", key)) for key in KEYS]
        await until(lambda: redis.in_flight == len(KEYS))
        await redis.close()
        results = await asyncio.gather(*gets, return_exceptions=True)
        assert {Away} == {type(result) for result in results}
        assert not redis.up
        assert 0 == redis.in_flight
        with pytest.raises(Unavailable):
            await replies_to(redis, "GET", KEYS[0])
    redis_cluster.resume()
    for node in redis_cluster.nodes:
        with node.client() as client:
            assert "tracker" not in names(client)


async def test_closing_is_allowed_at_any_time(redis_cluster: RedisCluster) -> None:
    redis = connect(redis_cluster.url, SETTINGS, Metrics())
    await redis.close()
    for milliseconds in range(50):  # anywhere on the way to a connection
        await redis.start()
        await asyncio.sleep(milliseconds / 1000)
        await redis.close()
        assert not redis.up
    await redis.close()


async def test_a_fault_while_looking_for_the_slots_is_told_and_does_not_end_the_search(
    redis_cluster: RedisCluster,
) -> None:
    class Faulty(Nodes):
        times = 0

        async def primaries(self) -> Mapping[int, Node]:
            self.times += 1
            if self.times == 1:
                raise RuntimeError("a fault")
            return await super().primaries()

    redis = Cluster(Faulty(redis_cluster.url, 1.0), SETTINGS, Metrics())
    with capture_logs() as logs:
        await redis.start()
        await redis.wait_up()
    await redis.close()
    assert ["redis.slots_failed", "redis.slots"] == events(logs)[:2]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_user_is_taken_from_the_url(start_redis: StartRedis, kind: Kind) -> None:
    servers = RedisCluster(start_redis, kind=kind, password="secret")
    for node in servers.nodes:
        with node.client() as client:
            client.acl_setuser(
                "alice", enabled=True, passwords=["+pass"], keys=["*"], categories=["+@all"]
            )
    async with connected(servers.url.replace(":secret@", "alice:pass@")) as redis:
        for primary in redis.primaries():
            assert [b"alice"] == await replies_to(primary, "ACL", "WHOAMI")
        await written(redis, KEYS)


async def test_tls_serves_where_the_authority_is_trusted(
    start_redis: StartRedis, tls_files: TlsFiles
) -> None:
    servers = RedisCluster(start_redis, tls=tls_files, password="secret")
    async with connected(servers.url) as redis:
        await written(redis, KEYS)
        number = slot(KEYS[0])
        source = servers.owner(number)
        target = next(node for node in servers.nodes if node is not source)
        await asyncio.to_thread(servers.move, number, source, target)
        assert [KEYS[0]] == await replies_to(redis, "GET", KEYS[0])
