"""Asks trackers over WebSocket (WebTorrent's protocol).

A browser's place in a swarm lasts as long as its socket, which is closed after the answer: what
is announced here is gone again at once.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from socket import AddressFamily

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidURI, WebSocketException

from tracker import __version__
from tracker.client.model import (
    AnnounceReply,
    AnnounceRequest,
    BadReply,
    BadUrl,
    Refused,
    Unreachable,
)
from tracker.model import Counts, InfoHash
from tracker.wire import websocket_client as wire


async def announce(url: str, request: AnnounceRequest, family: AddressFamily) -> AnnounceReply:
    """As `tracker.client.announce`, without offers: peers do not learn of this one."""
    info_hash, peer_id, _, event, left, numwant = request
    message = wire.encode_announce_request(
        info_hash, peer_id, event=event, left=left, numwant=numwant
    )
    async with _connect(url, family) as tracker:
        await tracker.send(message, text=True)
        while True:
            reply = await _receive(tracker)
            if isinstance(reply, wire.AnnounceReply) and reply.info_hash == info_hash:
                return AnnounceReply(
                    reply.interval_s,
                    seeders=reply.seeders,
                    leechers=reply.leechers,
                    completed=reply.completed,
                )


async def scrape(
    url: str, info_hashes: Sequence[InfoHash], family: AddressFamily
) -> Mapping[InfoHash, Counts]:
    """As `tracker.client.scrape`."""
    async with _connect(url, family) as tracker:
        await tracker.send(wire.encode_scrape_request(info_hashes), text=True)
        while True:
            reply = await _receive(tracker)
            if isinstance(reply, wire.ScrapeReply):
                return reply.files


@asynccontextmanager
async def _connect(url: str, family: AddressFamily) -> AsyncIterator[ClientConnection]:
    try:
        async with connect(
            url,
            user_agent_header=f"tracker/{__version__}",
            proxy=None,
            open_timeout=None,  # the caller's holds
            close_timeout=1.0,
            family=family,
        ) as tracker:
            yield tracker
    except InvalidURI as error:
        raise BadUrl(str(error)) from error
    except ConnectionClosed as error:
        raise Unreachable(f"the tracker closed the connection: {error}") from error
    except WebSocketException as error:
        raise BadReply(str(error)) from error


async def _receive(tracker: ClientConnection) -> wire.Reply:
    """The next message; after one request on a new socket, any failure is about that request."""
    reply = wire.decode_reply(await tracker.recv(decode=False))
    if isinstance(reply, wire.ErrorReply):
        raise Refused(reply.reason)
    return reply
