"""The conversation with browsers: who is told what, and whose offer goes where."""

import json
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any
from urllib.parse import quote_from_bytes

import pytest

from tests.frontends.clients import (
    HASH,
    OFFER_ID,
    OTHER_HASH,
    Browser,
    browser,
    browser_id,
    counts,
    get,
    offers,
    text,
)
from tests.nodes import RunningNode, running_node, until
from tests.redis_servers import RedisServer
from tracker.model import Family
from tracker.store.keys import swarm_key

AWAY = "the tracker's store is away"


@pytest.fixture
async def one(tracker: RunningNode) -> AsyncIterator[Browser]:
    async with browser(tracker, 1) as one:
        yield one


@pytest.fixture
async def two(tracker: RunningNode) -> AsyncIterator[Browser]:
    async with browser(tracker, 2) as two:
        yield two


def answer(to: bytes, offer_id: str, **changed: object) -> dict[str, Any]:
    fields: dict[str, object] = {
        "action": "announce",
        "info_hash": text(HASH),
        "to_peer_id": text(to),
        "offer_id": offer_id,
        "answer": {"type": "answer", "sdp": "yes"},
    }
    return fields | changed


# Announces and scrapes


async def test_an_announce_is_answered_with_the_swarm_in_numbers(
    tracker: RunningNode, one: Browser, two: Browser
) -> None:
    alone = {
        "action": "announce",
        "info_hash": text(HASH),
        "interval": 120,
        "complete": 0,
        "incomplete": 1,
    }
    assert alone == await one.announce()
    assert alone | {"complete": 1} == await two.announce(left=0)
    assert 2 == tracker.requests["ws", "announce", "ok"]


@pytest.mark.parametrize("left", [None, "x", 5, [], -1])
async def test_who_does_not_say_that_nothing_is_left_downloads(one: Browser, left: object) -> None:
    reply = await one.announce(left=left)
    assert (0, 1) == (reply["complete"], reply["incomplete"])


async def test_offers_may_be_null_and_everything_optional_may_be_missing(one: Browser) -> None:
    assert 1 == (await one.announce(offers=None, event=None))["incomplete"]
    await one.say(action="announce", info_hash=text(HASH), peer_id=text(one.peer_id))
    assert 1 == (await one.hear())["incomplete"]


async def test_browsers_and_ip_peers_are_swarms_of_their_own(
    tracker: RunningNode, one: Browser
) -> None:
    await one.announce()
    async with browser(tracker, 3) as other:
        assert {text(HASH): counts(0, 1)} == await other.scrape()
    peer = await tracker.tcp()
    reply = await peer.ask(get(f"/scrape?info_hash={quote_from_bytes(HASH)}"))
    assert b"incompletei0e" in reply.body


async def test_a_scrape_counts_each_swarm_asked_for(one: Browser, two: Browser) -> None:
    await one.announce()
    await one.announce(left=0, event="completed")
    await two.announce(info_hash=text(OTHER_HASH))
    assert {
        text(HASH): counts(1, 0, 1),
        text(bytes(20)): counts(0, 0),
        text(OTHER_HASH): counts(0, 1),
    } == await two.scrape(HASH, bytes(20), OTHER_HASH, HASH)
    await two.say(action="scrape", info_hash=text(HASH))
    assert {text(HASH): counts(1, 0, 1)} == (await two.hear())["files"]


async def test_who_stopped_is_gone_and_gets_no_takers_for_its_offers(
    tracker: RunningNode, one: Browser, two: Browser
) -> None:
    await one.announce()
    await two.announce()
    reply = await two.announce(event="stopped", offers=offers(2))
    assert (0, 1) == (reply["complete"], reply["incomplete"])
    assert {text(HASH): counts(0, 1)} == await one.scrape()
    assert {} == tracker.node.metrics.relayed


# Offers


async def test_the_sdp_of_an_offer_reaches_another_browser(one: Browser, two: Browser) -> None:
    await one.announce()
    offer = '{ "type":"offer",  "sdp":"v=0\\r\\n \\u00e9 \\/ é","n":1.50, "n":2 }'
    offer_id = '"\\u00000123456789abcdef/ÿ<"'
    request = json.dumps(two.request())[:-3]
    assert request.endswith('"offers": ')
    await two.socket.send(f'{request}[{{"offer":{offer},"offer_id":{offer_id}}}]}}')
    assert 2 == (await two.hear())["incomplete"]
    heard = await one.socket.recv()
    assert isinstance(heard, str)
    assert f'{offer_id},"offer":{{"type":"offer","sdp":"v=0\\r\\n é / é"}}}}' in heard
    assert (text(HASH), text(two.peer_id)) == (
        json.loads(heard)["info_hash"],
        json.loads(heard)["peer_id"],
    )
    assert "complete" not in heard


async def test_each_offer_goes_to_one_browser_and_none_gets_two(tracker: RunningNode) -> None:
    async with AsyncExitStack() as stack:
        browsers = [await stack.enter_async_context(browser(tracker, at)) for at in range(9)]
        for each in browsers:
            await each.announce()
        await browsers[0].announce(offers=offers(8))
        heard = [await each.hear() for each in browsers[1:]]
        assert {f"{at:020}" for at in range(8)} == {each["offer_id"] for each in heard}
        for each in browsers:  # and that was all
            assert {text(HASH): counts(0, 9)} == await each.scrape()
    assert 8 == tracker.node.metrics.relayed["offer", "delivered"]


async def test_more_offers_than_browsers_are_left_over(one: Browser, two: Browser) -> None:
    await one.announce()
    await two.announce(offers=offers(5))
    assert f"{0:020}" == (await one.hear())["offer_id"]
    for each in one, two:
        await each.scrape()


async def test_a_seeder_s_offer_goes_to_a_leecher_or_a_seeder(
    tracker: RunningNode, one: Browser, two: Browser
) -> None:
    await one.announce(left=0)
    await two.announce(left=0, offers=offers(1))
    assert f"{0:020}" == (await one.hear())["offer_id"]
    async with browser(tracker, 3) as third:
        await third.announce(left=1)
        await two.announce(left=0, offers=offers(1, 1))
        assert f"{1:020}" == (await third.hear())["offer_id"]


async def test_an_offer_passes_over_a_browser_that_has_just_left(
    tracker: RunningNode, redis: RedisServer, one: Browser, two: Browser
) -> None:
    await one.announce()
    ghost = browser_id(9) + tracker.node.frontends.me  # whose removal was lost
    with redis.client() as client:
        client.zadd(swarm_key(Family.BROWSER, HASH), {ghost: time.time() + 60})
    assert 3 == (await two.announce(offers=offers(1)))["incomplete"]
    assert f"{0:020}" == (await one.hear())["offer_id"]
    assert {("offer", "gone"): 1, ("offer", "delivered"): 1} == tracker.node.metrics.relayed


# Answers


async def test_an_answer_goes_back_to_the_offer_s_socket(
    tracker: RunningNode, one: Browser, two: Browser
) -> None:
    await one.announce()
    await two.announce(offers=[{"offer": {"type": "offer", "sdp": "v=0"}, "offer_id": OFFER_ID}])
    offer = await one.hear()
    reply = answer(two.peer_id, offer["offer_id"], peer_id=text(one.peer_id))
    await one.say(**reply)
    assert {
        "action": "announce",
        "info_hash": text(HASH),
        "peer_id": text(one.peer_id),
        "offer_id": OFFER_ID,
        "answer": {"type": "answer", "sdp": "yes"},
    } == await two.hear()
    await one.say(**reply | {"offer_id": "another" + "x" * 13})
    assert {
        "action": "announce",
        "info_hash": text(HASH),
        "failure reason": "no such offer is waiting for an answer",
        "interval": 120,
    } == await one.hear()
    await two.scrape()
    assert 1 == tracker.requests["ws", "answer", "ok"]
    assert 1 == tracker.node.metrics.relayed["answer", "delivered"]


@pytest.mark.parametrize(
    "changed",
    [
        {"offer_id": f"{1:020}"},
        {"info_hash": text(OTHER_HASH)},
        {"to_peer_id": text(browser_id(3))},
    ],
)
async def test_an_answer_to_an_offer_that_was_not_made_goes_nowhere(
    tracker: RunningNode, one: Browser, two: Browser, changed: dict[str, str]
) -> None:
    await one.announce()
    await two.announce(offers=offers(1))
    await one.hear()
    await one.say(**answer(two.peer_id, f"{0:020}", peer_id=text(one.peer_id)) | changed)
    assert "no such offer is waiting for an answer" == (await one.hear())["failure reason"]
    await two.scrape()
    assert 1 == tracker.requests["ws", "announce", "denied"]


async def test_only_who_got_an_offer_can_answer_it(
    tracker: RunningNode, one: Browser, two: Browser
) -> None:
    async with browser(tracker, 3) as third:
        await one.announce()
        await two.announce(offers=offers(1))
        await one.hear()
        await third.say(**answer(two.peer_id, f"{0:020}", peer_id=text(one.peer_id)))
        assert "failure reason" in await third.hear()
    await two.scrape()


async def test_an_answer_to_who_has_left_is_lost_without_a_word(
    tracker: RunningNode, one: Browser, two: Browser
) -> None:
    await one.announce()
    await two.announce(offers=offers(1))
    await one.hear()
    await two.socket.close()
    await until(lambda: tracker.connections == 1)
    await one.say(**answer(two.peer_id, f"{0:020}", peer_id=text(one.peer_id)))
    await one.scrape()
    assert 1 == tracker.node.metrics.relayed["answer", "gone"]


async def test_only_so_many_unanswered_offers_are_remembered(redis: RedisServer) -> None:
    async with (
        running_node(redis.url, ws={"max_pending": 2}) as tracker,
        browser(tracker, 1) as one,
        browser(tracker, 2) as two,
    ):
        await one.announce()
        for number in range(3):
            await two.announce(offers=offers(1, number))
            await one.hear()
        for number, outcome in enumerate(["failure reason", None, None]):
            await one.say(**answer(two.peer_id, f"{number:020}", peer_id=text(one.peer_id)))
            if outcome is None:
                assert f"{number:020}" == (await two.hear())["offer_id"]
            else:
                assert outcome in await one.hear()


# Memberships


async def test_one_socket_carries_several_swarms(
    tracker: RunningNode, one: Browser, two: Browser
) -> None:
    third = text(browser_id(3))
    await one.announce()
    await one.announce(info_hash=text(OTHER_HASH), peer_id=third)
    assert {text(HASH): counts(0, 1), text(OTHER_HASH): counts(0, 1)} == await two.scrape(
        HASH, OTHER_HASH
    )
    await two.announce(offers=offers(1))
    await two.announce(info_hash=text(OTHER_HASH), offers=offers(1))
    assert [text(HASH), text(OTHER_HASH)] == [(await one.hear())["info_hash"] for _ in range(2)]
    await one.socket.close()
    await until(lambda: tracker.connections == 1)
    await until(lambda: len(tracker.node.removals) == 0)
    assert {text(HASH): counts(0, 1), text(OTHER_HASH): counts(0, 1)} == await two.scrape(
        HASH, OTHER_HASH
    )


async def test_a_second_peer_id_in_a_swarm_is_refused_until_the_first_one_stops(
    one: Browser, two: Browser
) -> None:
    third = text(browser_id(3))
    await one.announce()
    for event in "started", "stopped":
        await one.say(**one.request(peer_id=third, event=event))
        reason = "this connection has another peer_id in this swarm"
        assert reason == (await one.hear())["failure reason"]
    assert {text(HASH): counts(0, 1)} == await two.scrape()
    await one.announce(event="stopped")
    assert 1 == (await one.announce(peer_id=third))["incomplete"]


async def test_the_newest_socket_of_a_peer_gets_its_offers(
    tracker: RunningNode, one: Browser, two: Browser
) -> None:
    await one.announce()
    async with browser(tracker, 1) as again:
        await again.announce()
        assert 2 == (await two.announce(offers=offers(1)))["incomplete"]
        assert f"{0:020}" == (await again.hear())["offer_id"]
        await one.scrape()


async def test_a_late_close_of_the_old_socket_leaves_the_new_one_in_the_swarm(
    tracker: RunningNode, one: Browser, two: Browser
) -> None:
    await one.announce()
    async with browser(tracker, 1) as again:
        await again.announce()
        await one.socket.close()
        await until(lambda: len(tracker.node.sessions) == 2)
        await two.announce(offers=offers(1))
        assert f"{0:020}" == (await again.hear())["offer_id"]
        assert {text(HASH): counts(0, 2)} == await again.scrape()


async def test_stopped_from_the_old_socket_leaves_the_new_one_in_the_swarm(
    tracker: RunningNode, one: Browser
) -> None:
    await one.announce()
    async with browser(tracker, 1) as again:
        await again.announce()
        assert 1 == (await one.announce(event="stopped"))["incomplete"]
        assert {text(HASH): counts(0, 1)} == await again.scrape()
        assert 0 == (await again.announce(event="stopped"))["incomplete"]


# The store is away


async def test_without_redis_browsers_are_told_and_stay(
    tracker: RunningNode, redis: RedisServer, one: Browser
) -> None:
    await one.announce()
    redis.kill()
    await tracker.redis_gone()
    failed: dict[str, object] = {"failure reason": AWAY, "interval": 30}
    about_hash = failed | {"action": "announce", "info_hash": text(HASH)}
    await one.say(**one.request())
    assert about_hash == await one.hear()
    await one.say(action="scrape", info_hash=text(HASH))
    assert {"action": "scrape", **failed} == await one.hear()
    for _ in range(2):  # the second one is in no swarm any more
        await one.say(**one.request(event="stopped"))
        assert about_hash == await one.hear()
    assert 3 == tracker.requests["ws", "announce", "unavailable"]
    assert 1 == tracker.requests["ws", "scrape", "unavailable"]
    redis.start()
    await tracker.redis_back()
    assert 1 == (await one.announce())["incomplete"]


async def test_who_waits_when_redis_goes_is_told(
    tracker: RunningNode, redis: RedisServer, one: Browser
) -> None:
    redis.pause()
    await one.say(**one.request())
    await one.say(action="scrape", info_hash=text(HASH))
    await one.say(**one.request(info_hash=text(OTHER_HASH), event="stopped"))
    await until(lambda: tracker.node.redis.in_flight == 3)
    redis.kill()
    assert [AWAY] * 3 == [(await one.hear())["failure reason"] for _ in range(3)]


async def test_the_reply_to_who_has_left_goes_nowhere(
    tracker: RunningNode, redis: RedisServer, one: Browser, two: Browser
) -> None:
    await two.announce()
    redis.pause()
    await one.say(**one.request(offers=offers(1)))
    await until(lambda: tracker.node.redis.in_flight == 1)
    one.socket.transport.abort()
    await until(lambda: len(tracker.node.sessions) == 1)
    redis.resume()
    assert f"{0:020}" == (await two.hear())["offer_id"]
    await two.say(**answer(one.peer_id, f"{0:020}", peer_id=text(two.peer_id)))
    assert {text(HASH): counts(0, 1)} == await two.scrape()
