"""A frontend whose clock is a minute ahead of all others."""

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.frontends.clients import announce_packet, browser_id
from tests.hostile.addresses import address
from tests.hostile.arena import FLAGS
from tests.hostile.browsers import ARRIVES_S, browser, gets_none, join, next_with, offer
from tests.redis_servers import redis_servers
from tests.tools import missing
from tests.tracker_process import TrackerProcess, running_tracker
from tests.vitals import complaints
from tracker.wire import udp

NETWORK = 170
LIBRARY = "faketime/libfaketime.so.1"
AHEAD_S = 60
DEAD_AFTER_S = 2.0
HASH = b"swarm of two clocks."
MOVED_HASH = b"it moves, clock %4d"
OFFERS = 20
BURIED_S = 3 * DEAD_AFTER_S  # in which a reaper would have removed the browsers
TIMES = ("--cluster-heartbeat", "0.5", "--cluster-dead-after", str(DEAD_AFTER_S))


def ahead() -> dict[str, str]:
    """Return the environment of a process whose clock is ahead."""
    libraries = sorted(Path("/usr/lib").glob(f"*/{LIBRARY}"))
    if not libraries:
        missing("libfaketime")
    return {
        "LD_PRELOAD": str(libraries[0]),
        "FAKETIME": f"+{AHEAD_S}s",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "FAKETIME_NO_CACHE": "1",
    }


Pair = tuple[TrackerProcess, TrackerProcess]


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    """A frontend with the right time, and one that is ahead and runs the background jobs."""
    with redis_servers() as start:
        flags = (*FLAGS, *TIMES, "--redis-url", start().url)
        with (
            running_tracker(*flags, "--with-workers", env=ahead()) as wrong,
            running_tracker(*flags) as right,
        ):
            yield right, wrong


async def test_browsers_of_both_frontends_find_each_other_and_stay(pair: Pair) -> None:
    right, wrong = pair
    async with (
        browser(right.ports["ws"], address(NETWORK, 1), browser_id(1)) as here,
        browser(wrong.ports["ws"], address(NETWORK, 2), browser_id(2)) as there,
    ):
        await join(here, HASH)
        await join(there, HASH)
        await asyncio.sleep(BURIED_S)
        for number, (giver, recipient) in enumerate(((here, there), (there, here))):
            [offer_id] = await offer(giver, HASH, number)
            assert offer_id == (await next_with(recipient, "offer"))["offer_id"]
    assert not complaints(right)
    assert not complaints(wrong)


@pytest.mark.parametrize("minter", [0, 1], ids=["right clock", "clock ahead"])
async def test_both_frontends_accept_a_connection_id_of_the_other(pair: Pair, minter: int) -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as sock:
        sock.bind((address(NETWORK, 3), 0))
        sock.settimeout(2)
        sock.sendto(udp.encode_connect_request(b"conn"), ("127.0.0.1", pair[minter].ports["udp"]))
        connection_id = sock.recv(64)[8:16]
        for frontend in pair:
            sock.sendto(announce_packet(connection_id), ("127.0.0.1", frontend.ports["udp"]))
            assert isinstance(udp.decode_reply(sock.recv(2048), 6), udp.AnnounceReply)


@pytest.mark.parametrize("left", [0, 1], ids=["right clock", "clock ahead"])
async def test_a_browser_that_moves_gets_all_offers_at_its_new_frontend(
    pair: Pair, left: int
) -> None:
    """The socket at the frontend that it left stays open, as if the network had failed."""
    before_port, after_port = pair[left].ports["ws"], pair[1 - left].ports["ws"]
    info_hash, source, peer_id = MOVED_HASH % left, address(NETWORK, 4), browser_id(4)
    async with (
        browser(before_port, source, peer_id) as before,
        browser(after_port, address(NETWORK, 5), browser_id(5)) as friend,
    ):
        await join(before, info_hash, left=0)
        async with asyncio.timeout(ARRIVES_S):
            number = 0
            while True:  # until the frontends know each other
                number += 1
                await offer(friend, info_hash, number)
                if not await gets_none(before, "offer"):
                    break
        async with browser(after_port, source, peer_id) as after:
            await join(after, info_hash, left=0)
            async with asyncio.timeout(ARRIVES_S):
                while 1 != (await join(friend, info_hash))["complete"]:
                    pass
            for at in range(number + 1, number + 1 + OFFERS):
                [offer_id] = await offer(friend, info_hash, at)
                assert offer_id == (await next_with(after, "offer"))["offer_id"]
            assert await gets_none(before, "offer")
