"""Who has which slot, as the nodes tell."""

from time import monotonic

import pytest

from tests.redis_clusters import SLOTS, RedisCluster
from tests.redis_servers import StartRedis
from tests.tools import reserved_port
from tracker.errors import Unavailable
from tracker.store.slots import Nodes

LIMIT_S = 1.0
SLACK_S = 1.0  # of a busy machine


async def test_each_slot_is_some_primarys(redis_cluster: RedisCluster) -> None:
    found = await Nodes(redis_cluster.url, LIMIT_S).primaries()
    assert SLOTS == len(found)
    ports = {number: redis_cluster.owner(number).port for number in (0, 8000, SLOTS - 1)}
    assert ports == {number: found[number][1] for number in ports}
    assert {("127.0.0.1", node.port) for node in redis_cluster.nodes} == set(found.values())


async def test_nodes_that_the_url_does_not_name_are_asked_once_they_are_known(
    redis_cluster: RedisCluster,
) -> None:
    first, second, third = redis_cluster.nodes
    with reserved_port() as closed:
        nodes = Nodes(f"redis+cluster://127.0.0.1:{closed},127.0.0.1:{first.port}", LIMIT_S)
        found = await nodes.primaries()
    first.pause()
    second.pause()
    assert found == await nodes.primaries()
    third.pause()
    asked_at = monotonic()
    with pytest.raises(Unavailable):
        await nodes.primaries()
    assert monotonic() - asked_at < LIMIT_S + SLACK_S


async def test_slots_that_nobody_has_are_left_out(start_redis: StartRedis) -> None:
    node = start_redis(node=True, options=("--cluster-enabled", "yes"))
    nodes = Nodes(node.url.replace("redis", "redis+cluster"), LIMIT_S)
    with pytest.raises(Unavailable):
        await nodes.primaries()
    with node.client() as client:
        client.execute_command("CLUSTER", "ADDSLOTS", 1, 3)  # type: ignore[no-untyped-call]
    here = ("127.0.0.1", node.port)
    assert {1: here, 3: here} == await nodes.primaries()


async def test_a_server_that_is_no_node_tells_nothing(start_redis: StartRedis) -> None:
    url = start_redis(tcp=True).url.replace("redis", "redis+cluster")
    with pytest.raises(Unavailable):
        await Nodes(url, LIMIT_S).primaries()


def test_it_is_shown_by_what_the_url_names() -> None:
    assert "one:6379,two:7000" == str(Nodes("redis+cluster://u:secret@two:7000,one", LIMIT_S))
