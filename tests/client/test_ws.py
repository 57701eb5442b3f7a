"""The client over WebSocket, against the server of websockets."""

import asyncio
import json

import pytest

from tests.client.trackers import COUNTS, INFO_HASH, OTHER_HASH, PEER_ID, ws_tracker
from tracker.client import (
    AnnounceReply,
    AnnounceRequest,
    BadReply,
    BadUrl,
    Refused,
    Unreachable,
    announce,
    scrape,
)
from tracker.model import Counts, Event
from tracker.wire import websocket as wire

REQUEST = AnnounceRequest(INFO_HASH, PEER_ID, 6881, Event.STARTED, left=5, numwant=7)
ANNOUNCED = wire.encode_announce_reply(INFO_HASH, 120, COUNTS).decode()
REPLY = AnnounceReply(120, seeders=3, leechers=2)


def url(port: int) -> str:
    return f"ws://127.0.0.1:{port}/announce"


async def test_an_announce_carries_all_it_was_given() -> None:
    messages = []

    def answer(message: bytes) -> list[str]:
        messages.append(wire.decode(message, 10, 100))
        return [ANNOUNCED]

    async with ws_tracker(answer) as port:
        assert await announce(url(port), REQUEST) == REPLY
    (sent,) = messages
    assert wire.AnnounceMessage(INFO_HASH, PEER_ID, Event.STARTED, False, 7, (), 0, 0) == sent


async def test_relayed_offers_and_replies_about_other_swarms_are_passed_over() -> None:
    """The tracker may hand us another browser's offer before it answers."""
    offer = wire.encode_offer(b'"v=0"', *map(wire.encode_id, (b"%020d" % 1, PEER_ID, INFO_HASH)))
    other = wire.encode_announce_reply(OTHER_HASH, 1, COUNTS)
    async with ws_tracker(lambda _: [offer.decode(), other.decode(), ANNOUNCED]) as port:
        assert await announce(url(port), REQUEST) == REPLY


async def test_a_reply_in_a_binary_frame_is_read() -> None:
    async with ws_tracker(lambda _: [ANNOUNCED.encode()]) as port:
        assert await announce(url(port), REQUEST) == REPLY


async def test_a_scrape_gives_the_counts_of_each_hash() -> None:
    def answer(message: bytes) -> list[str]:
        request = wire.decode(message, 10, 100)
        assert isinstance(request, wire.ScrapeMessage)
        counts = [Counts(info_hash[0], 0, 1) for info_hash in request.info_hashes]
        return [ANNOUNCED, wire.encode_scrape_reply(request.info_hashes, counts).decode()]

    async with ws_tracker(answer) as port:
        counts = await scrape(url(port), [INFO_HASH, OTHER_HASH])
    expected = {INFO_HASH: Counts(INFO_HASH[0], 0, 1), OTHER_HASH: Counts(OTHER_HASH[0], 0, 1)}
    assert expected == counts


@pytest.mark.parametrize("info_hash", [INFO_HASH, None])
async def test_a_failure_reason_is_the_trackers_refusal(info_hash: bytes | None) -> None:
    failure = wire.encode_error("announce", info_hash, "not on my list", 120).decode()
    async with ws_tracker(lambda _: [failure]) as port:
        with pytest.raises(Refused, match=r"^not on my list$"):
            await announce(url(port), REQUEST)
        with pytest.raises(Refused, match=r"^not on my list$"):
            await scrape(url(port), [INFO_HASH])


@pytest.mark.parametrize("message", ["", "nonsense", "[]", json.dumps({"action": "announce"})])
async def test_a_reply_that_breaks_the_protocol_is_an_error(message: str) -> None:
    async with ws_tracker(lambda _: [message]) as port:
        with pytest.raises(BadReply):
            await announce(url(port), REQUEST)


async def test_a_tracker_that_hangs_up_is_unreachable() -> None:
    async with ws_tracker(lambda _: [b"close"]) as port:
        with pytest.raises(Unreachable, match="closed the connection"):
            await announce(url(port), REQUEST)


async def test_a_url_that_websocket_does_not_know_is_told_so() -> None:
    with pytest.raises(BadUrl, match="fragment"):
        await announce("ws://127.0.0.1:1/announce#part", REQUEST)


async def test_a_server_without_websocket_is_an_error() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(talk, "127.0.0.1", 0) as server:
        with pytest.raises(BadReply, match="404"):
            await announce(url(server.sockets[0].getsockname()[1]), REQUEST)
