"""Clients with hundreds and thousands of torrents announce all of them at once."""

import asyncio
import json

import pytest
from websockets.frames import Opcode

from tests.frontends.clients import Browser, announce, browser, decoded, offers, text
from tests.frontends.test_websocket import frame
from tests.nodes import RunningNode, running_node, until
from tests.redis_servers import RedisServer
from tracker.model import Family
from tracker.store.keys import swarm_key

each_number_of_torrents = pytest.mark.parametrize("torrents", [600, 2000])


def hashes_of(torrents: int) -> list[bytes]:
    """Return that many info_hashes."""
    return [b"%020d" % number for number in range(torrents)]


def swarms(redis: RedisServer, family: Family, info_hashes: list[bytes]) -> int:
    """Return how many of these swarms exist."""
    with redis.client() as client:
        return int(client.exists(*(swarm_key(family, each) for each in info_hashes)))


def work_refused(tracker: RunningNode) -> int:
    """How often a socket was not read because it, or its address, was over a budget of work."""
    refused = tracker.node.metrics.refused
    return refused["work", "socket"] + refused["work", "address"]


async def replies(to: Browser, count: int) -> list[str]:
    """Return the info_hashes of the next replies."""
    return [(await to.hear())["info_hash"] for _ in range(count)]


@each_number_of_torrents
async def test_announces_over_websocket_are_all_answered_and_the_socket_stays(
    redis: RedisServer, torrents: int
) -> None:
    """With ten offers each they are over the budgets, so the socket is read slowly."""
    hashes = hashes_of(torrents)
    async with running_node(redis.url) as tracker, browser(tracker) as one:
        requests = (one.request(info_hash=text(each), offers=offers(10)) for each in hashes)
        frames = (frame(Opcode.TEXT, json.dumps(each).encode()) for each in requests)
        one.socket.transport.write(b"".join(frames))
        answered = asyncio.create_task(replies(one, torrents))
        pauses = 0
        while not answered.done():
            await until(lambda: answered.done() or work_refused(tracker) > pauses)  # noqa: B023
            pauses = work_refused(tracker)
            tracker.pass_time(1)
        assert [text(each) for each in hashes] == await answered
        assert pauses > 0
        assert torrents == swarms(redis, Family.BROWSER, hashes)
        assert {} == tracker.closed


async def test_offers_that_wait_for_redis_leave_memory_for_the_swarms(redis: RedisServer) -> None:
    hashes = hashes_of(800)
    sections = {"redis": {"timeout": 30}, "ws": {"message_burst": 100_000}}
    async with running_node(redis.url, **sections) as tracker, browser(tracker) as one:
        requests = (one.request(info_hash=text(each), offers=offers(10)) for each in hashes)
        redis.pause()
        for each in requests:
            await one.say(**each)
        await until(lambda: tracker.node.redis.in_flight >= len(hashes))
        redis.resume()
        found = [await one.hear() for _ in hashes]
        assert [] == [each for each in found if "failure reason" in each]
        assert tracker.node.metrics.refused["offers", "socket"] > 0
    assert len(hashes) == len(found)


@each_number_of_torrents
async def test_announces_in_one_http_pipeline_are_all_answered_and_stored(
    tracker: RunningNode, redis: RedisServer, torrents: int
) -> None:
    hashes = hashes_of(torrents)
    peer = await tracker.tcp()
    sending = asyncio.create_task(
        peer.send(b"".join(announce(info_hash=info_hash) for info_hash in hashes))
    )
    for _ in hashes:
        assert 1 == decoded((await peer.reply()).body)[b"incomplete"]
    await sending
    assert torrents == swarms(redis, Family.IPV4, hashes)
    assert 1 == tracker.connections
