"""Which node of a Redis Cluster has which slot, as its nodes tell; redis-py asks them."""

import asyncio
import random
from collections.abc import Mapping, Sequence

from redis.asyncio.cluster import ClusterNode, NodesManager
from redis.exceptions import RedisClusterException, RedisError

from tracker.store.address import Address, Group
from tracker.store.control import cause_of, patience, resolved, to_the_end
from tracker.store.reasons import Reason, Unusable, explain, mode_reason

PORT = 6379
MOST_ASKED = 4  # nodes, until one answers

TROUBLE = (RedisError, RedisClusterException, OSError)  # what redis-py raises
NO_CLUSTER = "cluster support disabled"  # in the reply of a server that is no node

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
        self._seeds = {(each.host, each.port): each for each in group.addresses}
        self._known = set(self._seeds)
        self._share_s = limit_s / MOST_ASKED
        self._options = {**self.seed.options(), **patience(self._share_s)}
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
            Unusable: no node shows them.
        """
        return await to_the_end(self._ask())

    async def _ask(self) -> Mapping[int, Node]:
        some = random.sample(sorted(self._known), min(len(self._known), MOST_ASKED))
        asked = [ClusterNode(*node, **self._options) for node in await self._resolvable(some)]
        manager = NodesManager(asked, False, self._options, dynamic_startup_nodes=False)
        try:
            try:
                await manager.initialize()
            finally:
                await manager.aclose("startup_nodes")  # which may fail as well
        except IndexError as error:
            raise Unusable(Reason("no node has any slots", "create the cluster")) from error
        except TROUBLE as error:
            raise self._unusable(error) from error
        self._known = {*self._seeds, *map(self._node, manager.nodes_cache.values())}
        return {slot: self._node(row[0]) for slot, row in manager.slots_cache.items()}

    async def _resolvable(self, nodes: Sequence[Node]) -> Sequence[Node]:
        """Return those whose hosts can be looked up.

        Raises:
            Unusable: there is none.
        """
        lookups = [
            resolved(self._seeds.get(node) or self.address(node), self._share_s) for node in nodes
        ]
        found = await asyncio.gather(*lookups, return_exceptions=True)
        failures = [each for each in found if isinstance(each, Exception)]
        if len(failures) == len(nodes):
            raise self._unusable(failures[0])
        return [node for node, failure in zip(nodes, found, strict=True) if failure is None]

    def _unusable(self, error: Exception) -> Unusable:
        reason = explain(cause_of(error), tls=self.seed.tls)
        if NO_CLUSTER in reason.text:
            return Unusable(mode_reason(wants_cluster=True))
        return Unusable(reason._replace(text=f"no node shows the slots: {reason.text}"))

    def _node(self, told: ClusterNode) -> Node:
        # No host is said of nodes that are all where we found one of them.
        return told.host or self.seed.host, int(told.port)
