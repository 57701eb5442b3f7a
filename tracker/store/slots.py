"""Which node of a Redis Cluster has which slot, as its nodes tell; redis-py asks them."""

import asyncio
from collections.abc import Mapping

from redis.asyncio.cluster import ClusterNode, NodesManager
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisClusterException, RedisError

from tracker.errors import Unavailable
from tracker.store.address import Address, Group

PORT = 6379
SHARE = 0.25  # of the time for all of them that one node may take to connect, or to answer
# What redis-py raises; IndexError when nobody has any slot.
TROUBLE = (RedisError, RedisClusterException, OSError, IndexError)

Node = tuple[str, int]  # host, port


class Nodes:
    """Those of ``redis+cluster://[USER:PASSWORD@]HOST[:PORT],…[?OPTIONS]``, and all they know of.

    Some nodes of the cluster are enough; ``rediss+cluster`` means TLS to all of them.

    Args:
        url: such a URL.
        limit_s: seconds that it may take to ask.

    Raises:
        ValueError: it is no such URL, or has options that redis-py does not know.
    """

    def __init__(self, url: str, limit_s: float) -> None:
        group = Group.of(url, PORT)
        self.seed, *_ = group.addresses
        self._seeds = {(each.host, each.port) for each in group.addresses}
        self._known = set(self._seeds)
        self._limit_s = limit_s
        self._options = {
            **self.seed.options(),
            "socket_connect_timeout": limit_s * SHARE,
            "socket_timeout": limit_s * SHARE,
            "retry": Retry(NoBackoff(), 0),
        }
        if group.name or self._options.get("db"):
            raise ValueError("Redis URL: a cluster has neither names nor databases")

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
        asked = [ClusterNode(*node, **self._options) for node in self._known]
        manager = NodesManager(asked, False, self._options, dynamic_startup_nodes=False)
        try:
            async with asyncio.timeout(self._limit_s):
                await manager.initialize()
        except TROUBLE as error:
            raise Unavailable(f"no node tells who has the slots: {error}") from error
        finally:
            await manager.aclose("startup_nodes")
        self._known = self._seeds | set(map(self._node, manager.nodes_cache.values()))
        return {slot: self._node(row[0]) for slot, row in manager.slots_cache.items()}

    def _node(self, told: ClusterNode) -> Node:
        # No host is said of nodes that are all where we found one of them.
        return told.host or self.seed.host, int(told.port)
