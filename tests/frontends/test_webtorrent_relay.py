"""Browsers on different frontends: offers and answers cross over, and the newest socket wins."""

import json
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


def answer(to: bytes, offer_id: str, name: str = "answer") -> dict[str, Any]:
    return {
        "action": "announce",
        "info_hash": text(HASH),
        "to_peer_id": text(to),
        "offer_id": offer_id,
        name: {"candidate": "yes"} if name == "candidate" else {"type": name, "sdp": "yes"},
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


async def test_an_offer_id_may_be_escaped_in_one_way_in_the_offer_and_in_another_in_the_answer(
    nodes: Nodes,
) -> None:
    """Encoders differ: that of Go escapes "<", that of Python all but ASCII, others neither."""
    here, there = nodes
    async with browser(here, 1) as one, browser(there, 2) as two:
        await one.announce()
        request = json.dumps(two.request(offers=[{"offer": {"sdp": "v=0"}, "offer_id": "_"}]))
        await two.socket.send(request.replace('"_"', f'"<\\u00e9\\/\\u0001{1:016}"'))
        assert 2 == (await two.hear())["incomplete"]
        assert f"<é/\x01{1:016}" == (await one.hear())["offer_id"]
        sent = json.dumps({**answer(two.peer_id, "_"), "peer_id": text(one.peer_id)})
        await one.socket.send(sent.replace('"_"', f'"\\u003cé/\\u0001{1:016}"'))
        assert f"<é/\x01{1:016}" == (await two.hear())["offer_id"]


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


# Browsers that come back


@pytest.mark.parametrize("back", [0, 1, 2])
async def test_an_answer_reaches_a_browser_that_came_back(
    nodes: Nodes, redis: RedisServer, back: int
) -> None:
    async with running_node(redis.url, cluster=SOON) as third:
        here, there = nodes
        async with browser(here, 1) as one:
            await one.announce()
            async with browser(there, 2) as two:
                await two.announce(offers=offers(1))
                offer = await one.hear()
            await until(lambda: len(there.node.sessions) == 0)
            async with browser((here, there, third)[back], 2) as again:
                await again.announce()
                for _ in range(2):  # some programs answer more than once
                    reply = answer(again.peer_id, offer["offer_id"])
                    await one.say(**reply, peer_id=text(one.peer_id))
                    heard = await again.hear()
                    assert (text(one.peer_id), "yes") == (heard["peer_id"], heard["answer"]["sdp"])


async def test_answers_reach_a_browser_that_comes_back_after_the_first_of_them(
    nodes: Nodes,
) -> None:
    here, there = nodes
    async with browser(here, 1) as one:
        await one.announce()
        async with browser(there, 2) as two:
            await two.announce(offers=offers(3))
            ids = [(await one.hear())["offer_id"]]
        await until(lambda: len(there.node.sessions) == 0)
        await one.say(**answer(browser_id(2), ids[0]), peer_id=text(one.peer_id))
        await until(lambda: there.node.metrics.relayed["answer", "gone"] == 1)
        async with browser(here, 2) as again:  # whose answers still go to the old frontend
            await again.announce()
            await one.say(**answer(browser_id(2), ids[0]), peer_id=text(one.peer_id))
            assert "yes" == (await again.hear())["answer"]["sdp"]


async def test_an_answer_reaches_a_browser_whose_frontend_was_killed(
    nodes: Nodes, redis: RedisServer
) -> None:
    here, there = nodes
    async with browser(here, 1) as one, browser(here, 2) as again:
        await one.announce()
        async with browser(there, 2) as two:
            await two.announce(offers=offers(1))
            offer = await one.hear()
            await there.node.relay.close()  # it hears nothing more
            with redis.client() as client:
                await until(lambda: len(client.client_list(_type="pubsub")) == 1)
            await again.announce()
            await one.say(**answer(again.peer_id, offer["offer_id"]), peer_id=text(one.peer_id))
            assert "yes" == (await again.hear())["answer"]["sdp"]


async def test_an_answer_does_not_reach_somebody_who_took_the_offerer_s_peer_id(
    nodes: Nodes,
) -> None:
    here, there = nodes
    async with browser(here, 1) as one:
        await one.announce()
        async with browser(there, 2) as two:
            await two.announce(offers=offers(1))
            offer = await one.hear()
        await until(lambda: len(there.node.sessions) == 0)
        async with browser(here, 2, local="127.0.0.2") as thief:
            await thief.announce()
            await one.say(**answer(two.peer_id, offer["offer_id"]), peer_id=text(one.peer_id))
            await until(lambda: here.node.metrics.relayed["answer", "gone"] == 1)
            await thief.scrape()


async def test_candidates_pass_in_both_directions(nodes: Nodes) -> None:
    here, there = nodes
    async with browser(here, 1) as one, browser(there, 2) as two, browser(there, 3) as other:
        await one.announce()
        await two.announce(offers=offers(1))
        offer_id = (await one.hear())["offer_id"]
        for sender, receiver in ((one, two), (two, one), (one, two)):
            candidate = answer(receiver.peer_id, offer_id, "candidate")
            await sender.say(**candidate, peer_id=text(sender.peer_id))
            heard = await receiver.hear()
            assert (text(sender.peer_id), offer_id) == (heard["peer_id"], heard["offer_id"])
            assert candidate["candidate"] == heard["candidate"]
        stray = answer(one.peer_id, offer_id, "candidate")
        await other.say(**stray, peer_id=text(other.peer_id))
        assert "no such offer is waiting for an answer" == (await other.hear())["failure reason"]
        await other.announce()
        await other.say(**stray, peer_id=text(other.peer_id))
        await until(lambda: here.node.metrics.relayed["candidate", "gone"] == 1)
        await one.scrape()  # it heard nothing


# Frontends that start


async def test_browsers_of_a_frontend_that_has_just_started_get_offers(redis: RedisServer) -> None:
    slow = {"heartbeat": 60.0, "dead_after": 180.0}
    async with running_node(redis.url, cluster=slow) as first, browser(first, 1) as one:
        await one.announce()
        async with running_node(redis.url, cluster=slow) as second, browser(second, 2) as two:
            assert [second.node.frontends.me] == list(first.node.frontends)
            await two.announce(offers=offers(1))
            await one.hear()
            await one.announce(offers=offers(1, 1))
            await two.hear()
