"""Budgets of browsers' entries in swarms, and announces that are refused."""

from contextlib import AsyncExitStack

from tests.frontends.clients import HASH, Browser, browser, counts, offers, text
from tests.nodes import RunningNode, running_node
from tests.redis_servers import RedisServer


def hash_of(number: int) -> str:
    """One of many info_hashes, as JSON has it."""
    return f"{number:020}"


async def test_a_browser_over_the_budget_of_entries_is_served_and_not_entered(
    redis: RedisServer,
) -> None:
    limits = {"entries_per_second": 0.001, "entries_burst": 1}  # two browsers
    async with (
        running_node(redis.url, limits=limits) as tracker,
        browser(tracker, 1) as one,
        browser(tracker, 2) as two,
    ):
        refused = tracker.node.metrics.refused
        entered = [(await one.announce(info_hash=hash_of(at)))["incomplete"] for at in range(3)]
        assert [1, 1, 0] == entered
        assert 1 == refused["entries", "address"]
        assert 1 == (await one.announce(info_hash=hash_of(0)))["incomplete"]
        assert 1 == (await two.announce(info_hash=hash_of(0), offers=offers(1)))["incomplete"]
        assert f"{0:020}" == (await one.hear())["offer_id"]
        assert 3 == refused["entries", "address"]
        await one.announce(info_hash=hash_of(0), event="stopped")
        assert {hash_of(at): counts(0, at > 0) for at in range(2)} == await two.scrape(
            *(hash_of(at).encode() for at in range(2))
        )


async def test_an_address_has_few_browsers_in_one_swarm(redis: RedisServer) -> None:
    async with (
        running_node(redis.url, limits={"browsers_per_swarm": 2}) as tracker,
        browser(tracker, 1) as one,
        browser(tracker, 2) as two,
        browser(tracker, 3) as third,
        browser(tracker, 4) as fourth,
    ):
        each_in_turn = (one, two, third, fourth, two, fourth)
        found = [(await each.announce())["incomplete"] for each in each_in_turn]
        assert [1, 2, 3, 3, 3, 3] == found  # the first one of the address is not counted
        assert 3 == tracker.node.metrics.refused["endpoints", "address"]
        assert 1 == (await fourth.announce(info_hash=hash_of(1)))["incomplete"]


async def test_browsers_of_one_address_do_not_keep_offers_from_all_others(
    tracker: RunningNode,
) -> None:
    async with AsyncExitStack() as stack:

        async def joined(number: int, local: str) -> Browser:
            each = await stack.enter_async_context(browser(tracker, number, local=local))
            await each.announce()
            return each

        honest = [await joined(at, f"127.0.1.{at}") for at in range(1, 5)]
        evil = [await joined(at, "127.0.2.1") for at in range(10, 70)]
        for number in range(60):
            await honest[0].announce(offers=offers(5, 5 * number))
        for each in honest[1:]:
            await each.say(action="scrape", info_hash=text(HASH))
            assert "offer_id" in await each.hear()
        assert len(evil) > tracker.node.metrics.refused["endpoints", "address"] > 40
        for each in honest + evil:  # a closing handshake would wait behind unread offers
            each.socket.transport.abort()


async def test_an_announce_that_fails_changes_nothing(
    tracker: RunningNode, redis: RedisServer
) -> None:
    async with browser(tracker) as one:
        (session,) = tracker.node.sessions
        redis.kill()
        await tracker.redis_gone()
        await one.say(**one.request(offers=offers(3)))
        assert text(HASH) == (await one.hear())["info_hash"]
        assert not session.members
        assert 0 == tracker.node.budgets.memory.total
        redis.start()
        await tracker.redis_back()
        assert 1 == (await one.announce())["incomplete"]
        assert tracker.node.budgets.memory.total > 0
        redis.kill()
        await tracker.redis_gone()
        await one.say(**one.request(event="stopped"))
        await one.hear()
        assert session.members
        redis.start()
        await tracker.redis_back()
        assert 0 == (await one.announce(event="stopped"))["incomplete"]
        assert 0 == tracker.node.budgets.memory.total


async def test_no_more_offers_are_used_than_the_settings_allow(redis: RedisServer) -> None:
    async with running_node(redis.url, ws={"max_offers": 2}) as tracker, AsyncExitStack() as stack:
        browsers = [await stack.enter_async_context(browser(tracker, at)) for at in range(6)]
        for each in browsers:
            await each.announce()
        await browsers[0].announce(offers=offers(5))
        assert 2 == tracker.node.metrics.relayed["offer", "delivered"]
