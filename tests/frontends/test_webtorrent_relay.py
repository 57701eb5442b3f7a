"""Browsers on different frontends: offers and answers cross over, and the newest socket wins."""

import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.frontends.clients import HASH, browser, browser_id, counts, offers, text
from tests.nodes import RunningNode, running_node, until
from tests.redis_servers import RedisServer
from tracker.model import Family
from tracker.store.keys import swarm_key

SOON = {"heartbeat": 0.1, "dead_after": 60.0}


@pytest.fixture
async def nodes(redis: RedisServer) -> AsyncIterator[tuple[RunningNode, RunningNode]]:
    """Two that know each other."""
    async with (
        running_node(redis.url, cluster=SOON) as here,
        running_node(redis.url, cluster=SOON) as there,
    ):
        await until(lambda: list(here.node.frontends) == [there.node.frontends.me])
        await until(lambda: list(there.node.frontends) == [here.node.frontends.me])
        yield here, there


Nodes = tuple[RunningNode, RunningNode]


def answer(to: bytes, offer_id: str) -> dict[str, Any]:
    return {
        "action": "announce",
        "info_hash": text(HASH),
        "to_peer_id": text(to),
        "offer_id": offer_id,
        "answer": {"type": "answer", "sdp": "yes"},
    }


async def test_an_offer_and_its_answer_cross_over(nodes: Nodes) -> None:
    here, there = nodes
    async with browser(here, 1) as one, browser(there, 2) as two:
        await one.announce()
        await two.announce(offers=offers(2))
        offer = await one.hear()
        assert (text(two.peer_id), f"{0:020}") == (offer["peer_id"], offer["offer_id"])
        await one.say(**answer(two.peer_id, offer["offer_id"]), peer_id=text(one.peer_id))
        reply = await two.hear()
        assert (text(one.peer_id), "yes") == (reply["peer_id"], reply["answer"]["sdp"])
    assert 1 == there.node.metrics.relayed["offer", "sent"]
    assert 1 == here.node.metrics.relayed["answer", "sent"]


async def test_a_browser_that_moved_is_reached_at_its_new_frontend_only(nodes: Nodes) -> None:
    here, there = nodes
    async with browser(here, 3) as other, browser(here, 1) as old, browser(there, 1) as new:
        await old.announce()
        await new.announce()
        await until(lambda: here.node.metrics.relayed["moved", "delivered"] == 1)
        assert {text(HASH): counts(0, 1)} == await other.scrape()
        await other.announce(offers=offers(2))
        assert f"{0:020}" == (await new.hear())["offer_id"]
        await old.socket.close()  # late: it takes nothing along
        await until(lambda: len(here.node.sessions) == 1)
        assert {text(HASH): counts(0, 2)} == await other.scrape()
        await new.socket.close()
        await until(lambda: len(there.node.sessions) == 0)
        assert {text(HASH): counts(0, 1)} == await other.scrape()


async def test_a_thief_on_another_frontend_takes_nothing_from_the_victim(nodes: Nodes) -> None:
    here, there = nodes
    async with (
        browser(here, 1) as victim,
        browser(here, 2) as other,
        browser(there, 1, local="127.0.0.2") as thief,
    ):
        await victim.announce()
        await thief.announce()
        await until(lambda: here.node.metrics.relayed["moved", "refused"] == 1)
        await other.announce(offers=offers(2))  # each entry gets one, as if of two browsers
        heard = {(await victim.hear())["offer_id"], (await thief.hear())["offer_id"]}
        assert {f"{0:020}", f"{1:020}"} == heard
        assert 2 == (await thief.announce(event="stopped"))["incomplete"]
        await other.announce(offers=offers(1, 2))
        assert f"{2:020}" == (await victim.hear())["offer_id"]
        assert {text(HASH): counts(0, 2)} == await victim.scrape()


async def test_an_offer_to_a_dead_frontend_goes_to_another_taker(
    nodes: Nodes, redis: RedisServer
) -> None:
    here, there = nodes
    await there.node.relay.close()  # it hears nothing more, and still gives its signs of life
    with redis.client() as client:
        await until(lambda: len(client.client_list(_type="pubsub")) == 1)
    async with browser(here, 1) as one, browser(here, 2) as two:
        await one.announce()
        frontend, expiry = there.node.frontends.me, time.time() + 60
        ghosts = {browser_id(9 + number) + frontend: expiry for number in range(5)}
        with redis.client() as client:
            client.zadd(swarm_key(Family.BROWSER, HASH), ghosts)
        assert 7 == (await two.announce(offers=offers(1)))["incomplete"]
        assert f"{0:020}" == (await one.hear())["offer_id"]  # whoever was asked before
