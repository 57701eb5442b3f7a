"""A browser's entry is its own: other browsers that know its peer_id cannot take it."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest

from tests.frontends.clients import (
    HASH,
    OTHER_HASH,
    Browser,
    browser,
    browser_id,
    counts,
    offers,
    text,
)
from tests.nodes import RunningNode, running_node, until
from tests.redis_servers import RedisServer
from tracker.policy.access import OPEN, Access, Hashes
from tracker.settings import WsSettings

STRANGER = "127.0.0.2"
CHALLENGE_TIMEOUT_S = WsSettings().challenge_timeout
PING_INTERVAL_S = WsSettings().ping_interval


@pytest.fixture
async def victim(tracker: RunningNode) -> AsyncIterator[Browser]:
    async with browser(tracker, 1) as victim:
        await victim.announce()
        yield victim


@pytest.fixture
async def thief(tracker: RunningNode) -> AsyncIterator[Browser]:
    """A browser of another address that knows the victim's peer_id."""
    async with browser(tracker, 1, local=STRANGER) as thief:
        yield thief


@pytest.fixture
async def other(tracker: RunningNode) -> AsyncIterator[Browser]:
    async with browser(tracker, 2) as other:
        yield other


def answer(of: Browser, offer: dict[str, Any], **changed: object) -> dict[str, object]:
    """The answer of a browser to an offer that it received."""
    return {
        "action": "announce",
        "info_hash": offer["info_hash"],
        "peer_id": text(of.peer_id),
        "to_peer_id": offer["peer_id"],
        "offer_id": offer["offer_id"],
        "answer": {"type": "answer", "sdp": "yes"},
    } | changed


async def offered_to(receiver: Browser, offerer: Browser, number: int = 0) -> bool:
    """Whether an offer reaches the receiver, the only other peer_id of the swarm."""
    await offerer.announce(offers=offers(1, number))
    await receiver.say(action="scrape", info_hash=text(HASH))
    heard = await receiver.hear()
    if "offer_id" not in heard:
        return False
    assert f"{number:020}" == heard["offer_id"]
    await receiver.hear()  # the reply to the scrape
    return True


async def test_a_thief_is_served_and_gets_none_of_the_victim_s_offers(
    tracker: RunningNode, victim: Browser, thief: Browser, other: Browser
) -> None:
    for event in "started", None, "completed":
        reply = await thief.announce(event=event, left=0)
        assert (0, 1) == (reply["complete"], reply["incomplete"])
    assert await offered_to(victim, other, 1)
    assert not await offered_to(thief, other, 2)
    assert 3 == tracker.node.metrics.refused["identity", "socket"]


async def test_a_thief_s_stopped_and_its_close_remove_nothing(
    tracker: RunningNode, victim: Browser, thief: Browser, other: Browser
) -> None:
    await thief.announce(event="stopped")
    await thief.announce()
    await thief.announce(event="stopped")
    await thief.announce()
    await thief.socket.close()
    await until(lambda: len(tracker.node.sessions) == 2)
    assert 0 == len(tracker.node.removals)
    assert {text(HASH): counts(0, 1)} == await other.scrape()
    assert await offered_to(victim, other)


async def test_a_thief_s_own_offers_are_relayed_and_their_answers_come_to_its_socket(
    victim: Browser, thief: Browser, other: Browser
) -> None:
    await other.announce()
    await thief.announce(offers=offers(1))
    offer = await other.hear()
    assert text(thief.peer_id) == offer["peer_id"]
    await other.say(**answer(other, offer))
    assert "yes" == (await thief.hear())["answer"]["sdp"]
    await victim.scrape()


async def test_a_browser_that_answers_pings_keeps_its_entry(
    tracker: RunningNode, victim: Browser, thief: Browser, other: Browser
) -> None:
    await thief.announce()
    await victim.scrape()  # the pong came before
    tracker.pass_time(CHALLENGE_TIMEOUT_S + 2)
    assert await offered_to(victim, other)
    assert {} == tracker.closed


async def test_a_browser_with_a_new_address_gets_the_entry_of_its_dead_socket(
    tracker: RunningNode, victim: Browser, other: Browser
) -> None:
    victim.socket.transport.pause_reading()  # as if its network was gone: it sends no pongs
    async with browser(tracker, 1, local=STRANGER) as moved:
        await moved.announce()
        assert not await offered_to(moved, other, 1)
        tracker.pass_time(CHALLENGE_TIMEOUT_S + 2)
        await until(lambda: len(tracker.node.sessions) == 2)
        assert 1 == tracker.closed["ws", "idle"]
        assert await offered_to(moved, other, 2)
        assert {text(HASH): counts(0, 2)} == await moved.scrape()
        assert 1 == (await moved.announce(event="stopped"))["incomplete"]
    victim.socket.transport.resume_reading()


@pytest.mark.parametrize("before_s", [0.0, PING_INTERVAL_S - 2])  # a usual ping is due after 2 s
async def test_a_browser_that_stalls_for_some_seconds_keeps_its_entry(
    tracker: RunningNode, victim: Browser, thief: Browser, other: Browser, before_s: float
) -> None:
    tracker.pass_time(before_s)
    victim.socket.transport.pause_reading()
    await thief.announce()
    for _ in range(3):
        tracker.pass_time((CHALLENGE_TIMEOUT_S - 3) / 3)
    assert {} == tracker.closed
    victim.socket.transport.resume_reading()
    assert await offered_to(victim, other, 1)
    tracker.pass_time(CHALLENGE_TIMEOUT_S)
    assert await offered_to(victim, other, 2)
    assert not await offered_to(thief, other, 3)
    assert {} == tracker.closed
    await victim.hear()


async def test_a_thief_that_waits_does_not_keep_the_victim_from_coming_back(
    tracker: RunningNode, victim: Browser, thief: Browser, other: Browser
) -> None:
    await thief.announce()
    await victim.socket.close()
    await until(lambda: len(tracker.node.sessions) == 2)
    assert await offered_to(thief, other, 1)  # it could be the victim, with a new address
    async with browser(tracker, 1) as back:
        await back.announce()
        assert await offered_to(back, other, 2)
        await thief.announce()
        assert not await offered_to(thief, other, 3)
        assert f"{3:020}" == (await back.hear())["offer_id"]


async def test_stopped_of_the_victim_leaves_the_entry_to_a_browser_that_waits(
    victim: Browser, thief: Browser, other: Browser
) -> None:
    await thief.announce()
    assert 1 == (await victim.announce(event="stopped"))["incomplete"]
    assert await offered_to(thief, other)


async def test_behind_a_proxy_the_forwarded_address_counts(redis: RedisServer) -> None:
    async with (
        running_node(redis.url, listen={"trusted_proxies": ["127.0.0.1"]}) as tracker,
        browser(tracker, 1, forwarded_for="192.0.2.1") as victim,
        browser(tracker, 1, forwarded_for="192.0.2.2") as thief,
        browser(tracker, 1, forwarded_for="192.0.2.1") as again,
        browser(tracker, 2, forwarded_for="192.0.2.3") as other,
    ):
        await victim.announce()
        await thief.announce()
        assert await offered_to(victim, other, 1)
        await again.announce()
        assert await offered_to(again, other, 2)
        for each in victim, thief:
            await each.scrape()


# Answers


@pytest.mark.parametrize("peer_id", [browser_id(2), browser_id(3)])
async def test_an_answer_must_come_from_the_peer_id_that_got_the_offer(
    victim: Browser, other: Browser, peer_id: bytes
) -> None:
    await other.announce(offers=offers(1))
    offer = await victim.hear()
    await victim.say(**answer(victim, offer, peer_id=text(peer_id)))
    assert "no such offer is waiting for an answer" == (await victim.hear())["failure reason"]
    await victim.say(**answer(victim, offer))
    assert text(victim.peer_id) == (await other.hear())["peer_id"]


# Refused announces


async def test_a_denied_announce_changes_nothing(
    tracker: RunningNode, victim: Browser, other: Browser
) -> None:
    async with browser(tracker, 1) as again:
        tracker.node._access.current = Access(None, (Hashes(HASH),))
        for event in "started", "stopped":
            await again.say(**again.request(event=event))
            assert "this torrent is not allowed" == (await again.hear())["failure reason"]
        tracker.node._access.current = OPEN
        assert await offered_to(victim, other)
        await again.scrape()


async def test_an_announce_without_redis_changes_nothing(
    tracker: RunningNode, redis: RedisServer, victim: Browser, other: Browser
) -> None:
    async with browser(tracker, 1) as again:
        redis.kill()
        await tracker.redis_gone()
        for each in again, victim:
            for event in "started", "stopped":
                await each.say(**each.request(event=event))
                assert "failure reason" in await each.hear()
        redis.start()
        await tracker.redis_back()
        await victim.announce()
        assert await offered_to(victim, other)
        await again.scrape()


# Many offers, many disconnects


async def test_offers_beyond_a_browser_s_budget_go_to_another_browser(redis: RedisServer) -> None:
    limits = {"offers_burst": 10, "offers_per_second": 0.001}  # two from one address
    async with (
        running_node(redis.url, ws=limits) as tracker,
        browser(tracker, 1) as one,
        browser(tracker, 2) as two,
        browser(tracker, 3) as sender,
    ):
        for each in one, two:
            await each.announce()
        for number in range(10):
            await sender.announce(offers=offers(1, number))
        for each in one, two:
            for _ in range(2):
                assert "offer_id" in await each.hear()
            await each.scrape()
        assert 4 == tracker.node.metrics.relayed["offer", "delivered"]
        assert tracker.node.metrics.relayed["offer", "flood"] >= 6


async def test_when_all_browsers_disconnect_at_once_all_entries_are_removed(
    redis: RedisServer,
) -> None:
    async with running_node(
        redis.url, redis={"max_in_flight": 16}, limits={"browsers_per_swarm": 100}
    ) as tracker:
        async with AsyncExitStack() as stack:
            for number in range(100):
                each = await stack.enter_async_context(browser(tracker, number))
                await each.announce()
                await each.announce(info_hash=text(OTHER_HASH))
            for session in list(tracker.node.websocket.connections):
                session.abort()
            await until(lambda: len(tracker.node.sessions) == 0)
            await until(lambda: len(tracker.node.removals) == 0)
        async with browser(tracker, 999) as last:
            gone = {text(HASH): counts(0, 0), text(OTHER_HASH): counts(0, 0)}
            assert gone == await last.scrape(HASH, OTHER_HASH)
        assert {} == tracker.node.metrics.store_errors
