"""Which node of a Redis Cluster has which slot, as its nodes tell; redis-py asks them."""

import random
from collections.abc import Mapping

from redis.asyncio.cluster import ClusterNode, NodesManager
from redis.exceptions import RedisClusterException, RedisError

from tracker.errors import Unavailable
from tracker.store.address import Address, Group
from tracker.store.control import patience, to_the_end

PORT = 6379
MOST_ASKED = 4  # nodes, until one answers

# What redis-py raises; IndexError when nobody has any slot.
TROUBLE = (RedisError, RedisClusterException, OSError, IndexError)

Node = tuple[str, int]  # host, port


class Nodes:
    """Those of ``redis+cluster://[USER:PASSWORD@]HOST[:PORT],…[?OPTIONS]``, and all they know of.

    Some nodes of the cluster are enough; ``rediss+cluster`` means TLS to all of them.

    Args:
        url: such a URL.
        limit_s: seconds in which some of them have been asked, one after the other.

    Raises:
        ValueError: it is no such URL, or has options that redis-py does not know.
    """

    def __init__(self, url: str, limit_s: float) -> None:
        group = Group.of(url, PORT)
        self.seed, *_ = group.addresses
        self._seeds = {(each.host, each.port) for each in group.addresses}
        self._known = set(self._seeds)
        self._options = {**self.seed.options(), **patience(limit_s / MOST_ASKED)}
        if group.name or self._options.get("db"):
            raise ValueError("a cluster has neither names nor databases")

    def __str__(self) -> str:
        """Those that the URL names."""
        return ",".join(f"{host}:{port}" for host, port in sorted(self._seeds))

    def address(self, node: Node) -> Address:
        """How to connect to a node."""
        return self.seed.at(*node)

    async def primaries(self) -> Mapping[int, Node]:
        """The primary of each slot that has one, as some node sees it now.

        Raises:
            Unavailable: no node tells.
        """
        return await to_the_end(self._ask())

    async def _ask(self) -> Mapping[int, Node]:
        some = random.sample(sorted(self._known), min(len(self._known), MOST_ASKED))
        asked = [ClusterNode(*node, **self._options) for node in some]
        manager = NodesManager(asked, False, self._options, dynamic_startup_nodes=False)
        try:
            try:
                await manager.initialize()
            finally:
                await manager.aclose("startup_nodes")  # which may fail as well
        except TROUBLE as error:
            raise Unavailable(f"no node tells who has the slots: {error}") from error
        self._known = self._seeds | set(map(self._node, manager.nodes_cache.values()))
        return {slot: self._node(row[0]) for slot, row in manager.slots_cache.items()}

    def _node(self, told: ClusterNode) -> Node:
        # No host is said of nodes that are all where we found one of them.
        return told.host or self.seed.host, int(told.port)
