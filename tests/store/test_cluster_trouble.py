"""Under load: slots that move, primaries that die or hang."""

import asyncio
from collections.abc import Callable

import pytest

from tests.redis_clusters import RedisCluster
from tests.redis_servers import RedisServer, StartRedis
from tests.store.asking import connected, swarms_on
from tests.store.load import load
from tracker.metrics import Metrics
from tracker.model import IPV4
from tracker.settings import RedisSettings
from tracker.store.keys import slot, swarm_key

SWARMS = 60
SETTINGS = RedisSettings()  # the defaults


async def test_resharding_loses_no_announce(redis_cluster: RedisCluster) -> None:
    metrics = Metrics()
    async with connected(redis_cluster.url, SETTINGS, metrics) as redis:
        async with load(swarms_on(redis), SWARMS) as running:
            slots = {slot(swarm_key(IPV4, each)) for each in running.hashes}
            targets = dict(zip(redis_cluster.nodes, redis_cluster.nodes[1:], strict=False))
            for number in slots:
                source = redis_cluster.owner(number)
                target = targets.get(source, redis_cluster.nodes[0])
                await asyncio.to_thread(redis_cluster.move, number, source, target)
            await running.all_answered()
        assert [] == running.failures
        assert {} == metrics.store_errors
        assert await running.counted() == running.peers


async def test_a_cluster_may_grow_under_load(start_redis: StartRedis) -> None:
    cluster = RedisCluster(start_redis)
    async with connected(cluster.url, SETTINGS) as redis:
        async with load(swarms_on(redis), SWARMS) as running:
            added = await asyncio.to_thread(cluster.add)
            slots = {slot(swarm_key(IPV4, each)) for each in running.hashes}
            for number in slots:
                source = await asyncio.to_thread(cluster.owner, number)
                await asyncio.to_thread(cluster.move, number, source, added)
            await running.all_answered()
        assert [] == running.failures
        assert await running.counted() == running.peers
        assert str(added.port) in str(redis.primary(swarm_key(IPV4, running.hashes[0])).address)


@pytest.mark.parametrize("stop", [RedisServer.kill, RedisServer.pause])
async def test_a_replica_takes_the_place_of_a_primary_that_is_gone(
    start_redis: StartRedis, stop: Callable[[RedisServer], None]
) -> None:
    cluster = RedisCluster(start_redis, replicas=1)
    async with connected(cluster.url, SETTINGS) as redis:
        async with load(swarms_on(redis), SWARMS) as running:
            stop(cluster.nodes[1])
            await running.all_answered()
            await redis.wait_up()
        assert running.failures
        assert running.longest_gap_s <= 8
        assert running.longest_wait_s <= 2
