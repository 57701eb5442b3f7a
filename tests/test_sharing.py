"""Budgets of an address are shared by the frontends that a client of one protocol reaches."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from tests.frontends.clients import HASH, browser, udp_peer
from tests.nodes import RunningNode, running_node, until
from tests.redis_servers import RedisServer
from tracker.model import Family
from tracker.store.keys import swarm_key

CLUSTER = {"heartbeat": 0.05, "dead_after": 60.0}
LIMITS = {"entries_per_second": 0.001, "entries_burst": 6000}
USERS = 20


@pytest.fixture
async def nodes(redis_server: RedisServer) -> AsyncIterator[list[RunningNode]]:
    """As in docker-compose.yml: two nodes for HTTP and WebSocket, then two for UDP."""
    async with AsyncExitStack() as stack:
        found = [
            await stack.enter_async_context(
                running_node(
                    redis_server.url, cluster=CLUSTER, limits=LIMITS, listen={"only": only}
                )
            )
            for only in (["http", "ws"], ["http", "ws"], ["udp"], ["udp"])
        ]
        for each in found:
            await until(lambda: len(list(each.node.frontends)) == 3)  # noqa: B023
            jobs = each.node.metrics.jobs
            beats = jobs["heartbeat", "ok"]
            await until(lambda: jobs["heartbeat", "ok"] > beats + 1)  # noqa: B023
            assert 2 == each.node.frontends.sharing
        yield found


async def test_the_frontends_of_a_protocol_store_the_whole_budget_of_entries(
    nodes: list[RunningNode],
) -> None:
    for pair in nodes[:2], nodes[2:]:
        stored = 0
        for each in pair:
            accounts = each.node.budgets.accounts
            account = accounts.of(b"\1\2\3\4", 0.0)
            stored += sum(accounts.keep_entry(account, 0.0) for _ in range(7000))
        assert 6000 == pytest.approx(stored, abs=2)


async def test_twenty_browsers_of_one_address_at_two_frontends_are_in_the_swarm(
    nodes: list[RunningNode], redis_server: RedisServer
) -> None:
    async with AsyncExitStack() as stack:
        for number in range(USERS):
            node = nodes[number % 5 < 2]  # 12 and 8
            await (await stack.enter_async_context(browser(node, number))).announce()
        assert USERS == members(redis_server, Family.BROWSER)
    assert not any(each.node.metrics.refused["endpoints", "address"] for each in nodes)


async def test_a_hundred_udp_peers_of_one_address_at_two_frontends_are_in_the_swarm(
    nodes: list[RunningNode], redis_server: RedisServer
) -> None:
    async with (
        udp_peer(nodes[2].port("udp")) as one,
        udp_peer(nodes[3].port("udp")) as other,
    ):
        ids = {each: await each.connect() for each in (one, other)}
        for number in range(100):
            each = one if number % 5 < 3 else other  # 60 and 40
            await each.announce(ids[each], port=1000 + number)
    assert 100 == members(redis_server, Family.IPV4)


def members(redis_server: RedisServer, family: Family) -> int:
    """Return how many members the swarm has in Redis."""
    with redis_server.client() as client:
        number: int = client.zcard(swarm_key(family, HASH))
    return number
