"""Browsers that pretend to be others, disconnect at once, or flood one of them with offers."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from itertools import count

import pytest

from tests.frontends.clients import Browser, browser_id, text
from tests.hostile.addresses import address
from tests.hostile.arena import ATTACK_S, FLAGS, Arena, until
from tests.hostile.attacks import frames
from tests.hostile.attacks.described import tcp
from tests.hostile.browsers import ABSENT_S, browser, gets_none, join, next_with, offer
from tests.tracker_process import TrackerProcess, running_tracker

NETWORK = 150
VICTIM, THIEF, FRIEND, OTHER = (browser_id(number) for number in range(1, 5))
HERE, THERE, AWAY, ELSEWHERE = (address(NETWORK, number) for number in range(4))
CROWD = 5000
JOINED_S = 30.0
GONE_S = 5.0  # after the disconnection of all of them
OFFERS_PER_SECOND, OFFERS_BURST = 50, 500  # defaults of ws.offers_per_second, ws.offers_burst
_swarms = count()


@pytest.fixture
def info_hash() -> bytes:
    """A swarm of its own for each test."""
    return b"stolen swarm %07d" % next(_swarms)


@pytest.fixture(scope="module")
def second(ground: Arena) -> Iterator[TrackerProcess]:
    """A second frontend on the same Redis."""
    with running_tracker(*FLAGS, "--redis-url", ground.redis.url) as tracker:
        yield tracker


@pytest.fixture(params=["same frontend", "another frontend"])
def other_port(request: pytest.FixtureRequest, ground: Arena, second: TrackerProcess) -> int:
    """The port at which the attacker of a test connects."""
    tracker = ground.tracker if request.param == "same frontend" else second
    return tracker.ports["ws"]


@pytest.fixture
async def victim(ground: Arena, info_hash: bytes) -> AsyncIterator[Browser]:
    """A browser in the swarm."""
    async with browser(ground.tracker.ports["ws"], HERE, VICTIM) as known:
        await join(known, info_hash)
        yield known


@pytest.fixture
async def friend(ground: Arena, victim: Browser) -> AsyncIterator[Browser]:
    """A browser that comes later, and makes offers."""
    async with browser(ground.tracker.ports["ws"], AWAY, FRIEND) as known:
        yield known


async def test_offers_reach_a_browser_whose_peer_id_another_address_announces(
    ground: Arena, info_hash: bytes, other_port: int, victim: Browser, friend: Browser
) -> None:
    async with browser(other_port, THERE, VICTIM) as thief:
        await join(thief, info_hash)
        await asyncio.sleep(ABSENT_S)  # for frames to other frontends
        for number in range(10):
            one_each = await offer(friend, info_hash, 2 * number, copies=2)
            assert (await next_with(victim, "offer"))["offer_id"] in one_each
        if other_port == ground.tracker.ports["ws"]:  # elsewhere it is a browser of its own
            assert await gets_none(thief, "offer")


async def test_a_thief_that_stops_does_not_remove_the_browser(
    info_hash: bytes, other_port: int, victim: Browser, friend: Browser
) -> None:
    async with browser(other_port, THERE, VICTIM) as thief:
        await join(thief, info_hash)
        await join(thief, info_hash, event="stopped")
    await asyncio.sleep(ABSENT_S)
    [offer_id] = await offer(friend, info_hash, 1)
    assert offer_id == (await next_with(victim, "offer"))["offer_id"]


async def test_only_the_browser_that_got_an_offer_can_answer_it(
    info_hash: bytes, other_port: int, victim: Browser, friend: Browser
) -> None:
    def answer(text_: str) -> dict[str, object]:
        return {
            "info_hash": text(info_hash),
            "to_peer_id": text(FRIEND),
            "offer_id": offer_id,
            "answer": {"type": "answer", "sdp": text_},
        }

    [offer_id] = await offer(friend, info_hash, 1)
    await next_with(victim, "offer")
    for peer_id in (THIEF, VICTIM):
        async with browser(other_port, THERE, peer_id) as thief:
            await thief.say(**thief.request() | answer("false"))
            await next_with(thief, "failure reason")
    assert await gets_none(friend, "answer")
    await victim.say(**victim.request() | answer("true"))
    assert "true" == (await next_with(friend, "answer"))["answer"]["sdp"]


@pytest.mark.parametrize("source", [HERE, ELSEWHERE], ids=["same address", "another address"])
async def test_a_browser_that_reconnects_is_found_at_once(
    info_hash: bytes, other_port: int, victim: Browser, friend: Browser, source: str
) -> None:
    if source != HERE:  # the same address may replace a socket that is still open
        victim.socket.transport.abort()
        await asyncio.sleep(ABSENT_S)
    async with browser(other_port, source, VICTIM) as back:
        await join(back, info_hash)
        await asyncio.sleep(ABSENT_S)
        [offer_id] = await offer(friend, info_hash, 1)
        assert offer_id == (await next_with(back, "offer"))["offer_id"]


async def test_entries_of_5000_browsers_that_disconnect_at_once_are_removed(
    ground: Arena, info_hash: bytes
) -> None:
    key = b"w{:" + info_hash + b"}"
    program = (frames.HANDSHAKE + frames.announce(info_hash), b"")
    crowd = tcp(
        ground.tracker.ports["ws"],
        network=NETWORK + 1,
        programs=[program],
        hosts=1000,  # each address has five, and may have 16
        sockets=CROWD,
        per_second=600_000,
    ).start(seconds=60.0)
    with ground.redis.client() as redis:
        try:
            await crowd.begun()
            await until(lambda: bool(redis.zcard(key) == CROWD), JOINED_S)
        finally:
            crowd.stop()
        await until(lambda: not redis.zcard(key), GONE_S)
    await ground.good.steady(GONE_S)


async def test_a_browser_stays_while_others_flood_it_with_offers(
    ground: Arena, info_hash: bytes, victim: Browser
) -> None:
    """Each attacker leaves the swarm at once, so that all offers go to the only browser in it."""
    many = frames.announce(
        info_hash, offers=[{"offer": {"sdp": "x" * 500}, "offer_id": "x" * 20}] * 10
    )
    flood = many + frames.announce(info_hash, event="stopped")
    received = 0

    async def read() -> None:
        nonlocal received
        while True:
            received += "offer" in await victim.hear()

    reading = asyncio.create_task(read())
    begun_s = time.monotonic()
    await ground.withstands(
        tcp(
            ground.tracker.ports["ws"],
            network=NETWORK + 2,
            programs=[(frames.HANDSHAKE, flood)],
            hosts=50,
            sockets=50,
            per_second=8_000_000,
        )
    )
    assert not reading.done(), "the tracker closed the victim's socket"
    reading.cancel()
    assert received <= OFFERS_BURST + OFFERS_PER_SECOND * (time.monotonic() - begun_s + ATTACK_S)
