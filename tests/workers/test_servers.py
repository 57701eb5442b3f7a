"""How full the Redis servers are, as a job tells."""

from functools import partial

from tests.redis_clusters import RedisCluster
from tests.redis_servers import RedisServer
from tests.store.asking import connected
from tracker.store.nodes import nodes
from workers.servers import Servers

MEGABYTE = 1 << 20
PERIOD_S = 30.0


async def test_the_memory_of_a_server_is_told_and_what_part_of_its_bound_that_is(
    redis_server: RedisServer,
) -> None:
    async with connected(redis_server.url) as redis:
        with redis_server.client() as client:
            client.config_set("maxmemory", 100 * MEGABYTE)
            try:
                told = await Servers(partial(nodes, redis), PERIOD_S).run_once(1)
            finally:
                client.config_set("maxmemory", 0)
            unbound = await Servers(partial(nodes, redis), PERIOD_S).run_once(1)
    assert (1, 0, 100 * MEGABYTE) == (told["primaries"], told["away"], told["max_memory"])
    assert 100 * told["memory"] // told["max_memory"] == told["fullest_percent"]
    assert 0 < told["memory"] < 100 * MEGABYTE
    assert (0, 0) == (unbound["max_memory"], unbound["fullest_percent"])


async def test_a_server_that_does_not_answer_is_counted_as_away(redis_server: RedisServer) -> None:
    async with connected(redis_server.url) as redis:
        redis_server.pause()
        told = await Servers(partial(nodes, redis), PERIOD_S).run_once(1)
    assert (0, 1, 0) == (told["primaries"], told["away"], told["fullest_percent"])


async def test_all_primaries_of_a_cluster_are_told_together(redis_cluster: RedisCluster) -> None:
    async with connected(redis_cluster.url) as redis:
        told = await Servers(partial(nodes, redis), PERIOD_S).run_once(1)
    assert (3, 0) == (told["primaries"], told["away"])
