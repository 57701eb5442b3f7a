"""Wrong data under the keys of the tracker, while it runs."""

import asyncio
import json
from collections.abc import Callable

import pytest
from redis import Redis

from tests.frontends.clients import announce, browser_id
from tests.hostile.addresses import address
from tests.hostile.arena import RECOVERY_S, Arena
from tests.hostile.browsers import browser, join
from tests.nodes import TcpPeer
from tests.vitals import complaints
from tracker.store import keys

NETWORK = 180
HASH = b"swarm of wrong data."
DAMAGED_S = 2.0
GARBAGE = b"\xc1\xff garbage \x1b[2J" * 50


def wrong_types(redis: Redis) -> None:
    """Replace the keys of all processes by values of another type."""
    for key in (keys.FRONTENDS, keys.SECRETS, keys.STATISTICS, keys.HISTORY):
        redis.delete(key)
        redis.set(key, GARBAGE)


def odd_members(redis: Redis) -> None:
    """Put members and fields of odd sizes into them."""
    redis.zadd(keys.FRONTENDS, {GARBAGE: 2e9, b"": 2e9, b"12345678": float("inf")})
    redis.hset(keys.SECRETS, mapping={b"ring": GARBAGE, GARBAGE: b""})
    redis.hset(keys.STATISTICS, mapping={b"totals": GARBAGE, GARBAGE: GARBAGE})
    redis.zadd(keys.HISTORY, {GARBAGE: 2e9})
    for key in redis.scan_iter(b"tracker:facts:*"):
        redis.set(key, GARBAGE)


def forged_frames(redis: Redis) -> None:
    """Publish frames that no frontend has sent."""
    for channel in redis.pubsub_channels(b"tracker:relay:*"):
        for frame in (b"", b"\0", GARBAGE, bytes(range(256)) * 4096):
            redis.publish(channel, frame)


@pytest.mark.parametrize("damage", [wrong_types, odd_members, forged_frames])
async def test_good_clients_are_served_while_shared_data_are_damaged(
    ground: Arena, damage: Callable[[Redis], None]
) -> None:
    with ground.redis.client() as redis:
        damage(redis)
        await asyncio.sleep(DAMAGED_S)
        await ground.good.steady(RECOVERY_S)
        redis.delete(keys.FRONTENDS, keys.SECRETS, keys.STATISTICS, keys.HISTORY)
    await ground.good.steady(RECOVERY_S)
    assert "Traceback" not in ground.tracker.stderr
    assert not [line for line in complaints(ground.tracker) if "exception" in json.loads(line)]


async def test_an_announce_to_a_damaged_swarm_gets_an_answer(ground: Arena) -> None:
    with ground.redis.client() as redis:
        for family in range(3):
            redis.set(keys.SWARM_TAG[family] + HASH + b"}", GARBAGE)
        peer = TcpPeer(*await asyncio.open_connection("127.0.0.1", ground.tracker.ports["http"]))
        assert b"failure reason" in (await peer.ask(announce(info_hash=HASH))).body
        await peer.close()
        async with browser(
            ground.tracker.ports["ws"], address(NETWORK, 1), browser_id(1)
        ) as damaged:
            assert "failure reason" in await join(damaged, HASH)
        for family in range(3):
            redis.delete(keys.SWARM_TAG[family] + HASH + b"}")
    await ground.good.steady(RECOVERY_S)
    assert "Traceback" not in ground.tracker.stderr
