"""What a node does not serve is served elsewhere, or fails for a reason."""

from collections.abc import Iterator

import pytest

from tests.redis_clusters import RedisCluster
from tests.redis_servers import RedisServer
from tests.store.asking import SETTINGS, connected, replies_of, replies_to, until
from tracker.errors import Away, Overloaded, Unavailable
from tracker.metrics import Metrics
from tracker.settings import RedisSettings
from tracker.store.keys import slot
from tracker.store.resp import command, key_of, split

KEY, OTHER_KEY = b"{tag}one", b"{tag}other"
SLOT = slot(KEY)
# Needs both keys, so it finds a slot that is being moved unfit while one of them is here.
BOTH = command("EVAL", "return redis.call('MGET', KEYS[1], KEYS[2])", 2, KEY, OTHER_KEY)


class Move:
    """One slot's way from its owner to another primary."""

    def __init__(self, cluster: RedisCluster) -> None:
        self._cluster = cluster
        self.source = cluster.owner(SLOT)
        self.target = next(node for node in cluster.nodes if node is not self.source)
        self._way = SLOT, self.source, self.target

    def begin(self) -> None:
        """Keys that are not at the source are the target's from now on."""
        self._cluster.begin_move(*self._way)

    def keys(self, most: int) -> None:
        """Some go."""
        self._cluster.move_keys(*self._way, most)

    def end(self) -> None:
        """The slot is the target's."""
        self._cluster.end_move(*self._way)


@pytest.fixture
def move(redis_cluster: RedisCluster) -> Iterator[Move]:
    move = Move(redis_cluster)
    yield move
    move.keys(10)  # whatever is still to be done
    move.end()


def is_at(server: RedisServer, address: object) -> bool:
    return str(address) == f"127.0.0.1:{server.port}"


async def test_a_slot_that_moved_is_followed_and_its_owner_is_known_at_once(
    redis_cluster: RedisCluster, move: Move
) -> None:
    async with connected(redis_cluster.url) as redis:
        changes: list[None] = []
        redis.on_change(lambda: changes.append(None))
        await replies_to(redis, "SET", KEY, 1)
        move.begin()
        move.keys(10)
        move.end()
        both = command("INCR", KEY) + command("INCR", KEY)
        assert [2, 3] == await replies_of(redis, both, 2, KEY)
        assert is_at(move.target, redis.primary(KEY).address)
        assert changes


async def test_a_node_that_names_no_host_means_its_own(
    redis_cluster: RedisCluster, move: Move
) -> None:
    async with connected(redis_cluster.url) as redis:
        redis_cluster.configure("cluster-preferred-endpoint-type", "unknown-endpoint")
        try:
            move.begin()
            move.end()
            assert [None] == await replies_to(redis, "GET", KEY)
            assert is_at(move.target, redis.primary(KEY).address)
            async with connected(redis_cluster.url) as another:
                assert [None] == await replies_to(another, "GET", KEY)
        finally:
            redis_cluster.configure("cluster-preferred-endpoint-type", "ip")


async def test_only_what_was_not_served_is_sent_again(
    redis_cluster: RedisCluster, move: Move
) -> None:
    async with connected(redis_cluster.url) as redis:
        await replies_to(redis, "SET", KEY, 1)
        move.begin()
        parts = [command("INCR", OTHER_KEY), command("INCR", KEY), command("INCR", OTHER_KEY)]
        assert [1, 2, 2] == await replies_of(redis, b"".join(parts), 3, KEY)
        assert is_at(move.source, redis.primary(KEY).address)
        move.keys(10)
        assert [3, 3, 4] == await replies_of(redis, b"".join(parts), 3, KEY)


async def test_what_needs_keys_on_both_ends_of_the_way_waits_for_them(
    redis_cluster: RedisCluster, move: Move
) -> None:
    async with connected(redis_cluster.url) as redis:
        await replies_to(redis, "MSET", KEY, 1, OTHER_KEY, 2)
        move.begin()
        move.keys(1)
        asked: list[object] = []
        redis.submit(KEY, BOTH, 1, asked.append)
        await until(lambda: redis.in_flight == 1 and not redis.primary(KEY).in_flight)
        assert [] == asked
        move.keys(1)
        await until(lambda: bool(asked))
        assert [[[b"1", b"2"]]] == asked


async def test_a_slot_that_stays_on_its_way_is_given_up(
    redis_cluster: RedisCluster, move: Move
) -> None:
    metrics = Metrics()
    settings = RedisSettings(max_in_flight=2)
    async with connected(redis_cluster.url, settings, metrics) as redis:
        await replies_to(redis, "MSET", KEY, 1, OTHER_KEY, 2)
        move.begin()
        move.keys(1)
        results: list[object] = []
        for number in range(2):
            redis.submit(KEY, BOTH, 1, results.append)
            await until(lambda expected=number + 1: redis.in_flight == expected)  # type: ignore[misc]
        await until(lambda: not redis.primary(KEY).in_flight)
        with pytest.raises(Overloaded):  # no more than that may wait
            await replies_of(redis, BOTH, 1, KEY)
        await until(lambda: len(results) == 2)
        assert [Away] * 2 == [type(each) for each in results]
        assert {("tryagain",): 2, ("overloaded",): 1} == metrics.store_errors


async def test_nodes_that_send_us_to_and_fro_are_not_believed_for_ever(
    redis_cluster: RedisCluster, move: Move
) -> None:
    metrics = Metrics()
    async with connected(redis_cluster.url, metrics=metrics) as redis:
        names = {node: redis_cluster.id_of(node) for node in (move.source, move.target)}
        for node, other in ((move.source, move.target), (move.target, move.source)):
            with node.client() as client:
                client.execute_command("CLUSTER", "SETSLOT", SLOT, "NODE", names[other])  # type: ignore[no-untyped-call]
        with pytest.raises(Unavailable):
            await replies_to(redis, "GET", KEY)
        assert {("moved",): 1} == metrics.store_errors


async def test_one_command_that_no_node_serves_fails_the_request(
    redis_cluster: RedisCluster, move: Move
) -> None:
    async with connected(redis_cluster.url) as redis:
        await replies_to(redis, "SET", OTHER_KEY, "not a number")
        move.begin()
        both = command("INCR", KEY) + command("INCR", OTHER_KEY)
        with pytest.raises(Unavailable):
            await replies_of(redis, both, 2, KEY)


async def test_a_cluster_that_is_down_is_looked_at_again_and_then_is_away(
    redis_cluster: RedisCluster,
) -> None:
    metrics = Metrics()
    async with connected(redis_cluster.url, SETTINGS, metrics) as redis:
        owner = redis_cluster.owner(SLOT)
        spare = next(each for each in (0, 8000, 16000) if redis_cluster.owner(each) is owner)
        with owner.client() as client:
            client.execute_command("CLUSTER", "DELSLOTS", spare)  # type: ignore[no-untyped-call]
        try:
            with pytest.raises(Unavailable):
                await replies_to(redis, "SET", KEY, 1)
            with pytest.raises(Unavailable):
                await redis.primary(KEY).ask(command("SCAN", 0) + command("GET", KEY), 2)
        finally:
            with owner.client() as client:
                client.execute_command("CLUSTER", "ADDSLOTS", spare)  # type: ignore[no-untyped-call]
        redis_cluster.wait_ok()
        await redis.wait_up()
        assert [b"OK"] == await replies_to(redis, "SET", KEY, 1)
    assert 2 == metrics.store_errors["clusterdown",]


async def test_what_waits_for_another_look_is_told_when_all_is_closed(
    redis_cluster: RedisCluster,
) -> None:
    async with connected(redis_cluster.url) as redis:
        for node in redis_cluster.nodes:
            with node.client() as client:
                client.config_set("cluster-require-full-coverage", "no")
        owner = redis_cluster.owner(SLOT)
        with owner.client() as client:
            client.execute_command("CLUSTER", "DELSLOTS", SLOT)  # type: ignore[no-untyped-call]
        asked: list[object] = []
        redis.submit(KEY, command("GET", KEY), 1, asked.append)
        await until(lambda: redis.in_flight == 1 and not redis.primary(KEY).in_flight)
        await redis.close()
        assert [Away] == [type(each) for each in asked]
        with owner.client() as client:
            client.execute_command("CLUSTER", "ADDSLOTS", SLOT)  # type: ignore[no-untyped-call]
    for node in redis_cluster.nodes:
        with node.client() as client:
            client.config_set("cluster-require-full-coverage", "yes")


def test_commands_are_split_as_they_were_joined() -> None:
    commands = [[b"SET", b"key", b"\r\n*1\r\n"], [b"PING"], [b"ECHO", b""]]
    assert commands == split(b"".join(command(*words) for words in commands))


@pytest.mark.parametrize(
    ("words", "key"),
    [
        (["GET", "key"], b"key"),
        (["EVAL", "return 1", 1, "key", "argument"], b"key"),
        (["SPUBLISH", "channel", "message"], b"channel"),
        (["EVAL", "return 1", 0, "argument"], None),
        (["SCAN", 0, "COUNT", 5], None),
        (["PING"], None),
    ],
)
def test_the_key_of_a_command_is_found(words: list[str | int], key: bytes | None) -> None:
    assert key == key_of(split(command(*words))[0])
