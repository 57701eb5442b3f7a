"""One channel of a Redis Cluster, whichever node it belongs to."""

import asyncio

import pytest

from tests.redis_clusters import RedisCluster
from tests.redis_servers import StartRedis
from tests.store.asking import connected, until
from tests.store.test_subscription import CHANNEL, heard_on
from tracker.settings import RedisSettings
from tracker.store.keys import slot

SLOT = slot(CHANNEL)
SETTINGS = RedisSettings()  # the defaults


async def test_only_the_owner_of_the_channel_has_to_do_with_its_messages(
    redis_cluster: RedisCluster,
) -> None:
    async with connected(redis_cluster.url, SETTINGS) as redis, heard_on(redis) as heard:
        await heard.works()
        owner = await asyncio.to_thread(redis_cluster.owner, SLOT)
        for node in redis_cluster.nodes:
            with node.client() as client:
                assert (node is owner) == bool(client.client_list(_type="pubsub"))


async def test_it_follows_its_slot_to_another_node(redis_cluster: RedisCluster) -> None:
    async with connected(redis_cluster.url, SETTINGS) as redis, heard_on(redis) as heard:
        await heard.works()
        source = await asyncio.to_thread(redis_cluster.owner, SLOT)
        target = next(node for node in redis_cluster.nodes if node is not source)
        await asyncio.to_thread(redis_cluster.move, SLOT, source, target)
        with target.client() as client:  # by itself: nobody publishes
            await until(lambda: client.client_list(_type="pubsub") != [])
        await heard.works(b"at the new one")


@pytest.mark.timeout(120)
async def test_it_follows_its_channel_to_the_replica_that_takes_over(
    start_redis: StartRedis,
) -> None:
    cluster = await asyncio.to_thread(RedisCluster, start_redis, replicas=1)
    async with connected(cluster.url, SETTINGS) as redis, heard_on(redis) as heard:
        await heard.works()
        owner = cluster.owner(SLOT)
        owner.kill()
        await until(lambda: not heard.subscription.up)
        await heard.works(b"from the replica")
