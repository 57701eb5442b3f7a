"""Clients of a tracker, as thin as tests of every byte need them."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ssl import SSLContext
from typing import Any, cast
from urllib.parse import quote_from_bytes

import bencodepy
from msgspec.structs import replace
from websockets.asyncio.client import ClientConnection, connect

from tests.nodes import DEADLINE_S, RunningNode, TcpPeer
from tracker.model import Event
from tracker.wire import udp

HASH = bytes(range(236, 256))  # bytes that are no UTF-8
OTHER_HASH = b"&=%+ ;?#/\\\"'<>\0\n\r\t~."
PEER_ID = b"-XX0001-abcdefghijkl"
SCRAPE = "/scrape?info_hash=" + quote_from_bytes(HASH)
OFFER_ID = "0123456789abcdefghi\u00ff"

# UDP


class UdpPeer(asyncio.DatagramProtocol):
    """A UDP socket that asks one address and keeps all that it receives."""

    def __init__(self, to: tuple[str, int]) -> None:
        self._to = to
        self._received: asyncio.Queue[tuple[bytes, str]] = asyncio.Queue()
        self.transaction_id = b"\0\0\0\0"

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, source: tuple[str | int, ...]) -> None:
        self._received.put_nowait((data, str(source[0])))

    def send(self, packet: bytes) -> None:
        """Send one datagram."""
        self._transport.sendto(packet, self._to)

    async def receive(self) -> tuple[bytes, str]:
        """The next datagram, and the address that it came from."""
        async with asyncio.timeout(DEADLINE_S):
            return await self._received.get()

    async def ask(self, packet: bytes) -> udp.Reply:
        """Send a datagram and read the next that comes."""
        self.send(packet)
        return await self.reply()

    async def reply(self) -> udp.Reply:
        """Read the next datagram."""
        data, _ = await self.receive()
        return udp.decode_reply(data, 18 if ":" in self._to[0] else 6)

    async def connect(self) -> bytes:
        """Get a connection id."""
        reply = await self.ask(udp.encode_connect_request(b"conn"))
        assert isinstance(reply, udp.ConnectReply)
        assert reply.transaction_id == b"conn"
        return reply.connection_id

    async def announce(self, connection_id: bytes, **changed: object) -> udp.AnnounceReply:
        """Announce, and read a good reply."""
        reply = await self.ask(announce_packet(connection_id, **changed))
        assert isinstance(reply, udp.AnnounceReply), reply
        return reply

    def close(self) -> None:
        """Close the socket."""
        self._transport.abort()


@asynccontextmanager
async def udp_peer(
    port: int, host: str = "127.0.0.1", local: str | None = None
) -> AsyncIterator[UdpPeer]:
    """A UDP socket; `local` is its own address, if not the one that it asks."""
    peer = UdpPeer((host, port))
    await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: peer, local_addr=(local or host, 0)
    )
    try:
        yield peer
    finally:
        peer.close()


_DEFAULTS = udp.AnnounceRequest(
    connection_id=bytes(8),
    transaction_id=b"anno",
    info_hash=HASH,
    peer_id=PEER_ID,
    downloaded=0,
    left=1,
    uploaded=0,
    event=Event.NONE,
    ip=bytes(4),
    key=bytes(4),
    numwant=None,
    port=6881,
    url_data=b"",
)


def announce_packet(connection_id: bytes, **changed: object) -> bytes:
    """A leecher's announce; `changed` are fields of `udp.AnnounceRequest`."""
    request = replace(_DEFAULTS, connection_id=connection_id, **cast(dict[str, Any], changed))
    return udp.encode_announce_request(request)


def scrape_packet(connection_id: bytes, *info_hashes: bytes) -> bytes:
    """A scrape."""
    return udp.encode_scrape_request(udp.ScrapeRequest(connection_id, b"scra", info_hashes))


# HTTP


def query(**changed: bytes | str | int | None) -> str:
    """A leecher's announce; None leaves a field out, bytes are percent-encoded."""
    fields: dict[str, bytes | str | int | None] = {
        "info_hash": HASH,
        "peer_id": PEER_ID,
        "port": 6881,
        "left": 1,
    }
    return "&".join(
        f"{key}={quote_from_bytes(value, safe='') if isinstance(value, bytes) else value}"
        for key, value in (fields | changed).items()
        if value is not None
    )


def get(target: str, *headers: str, method: str = "GET", version: str = "1.1") -> bytes:
    """The head of a request."""
    lines = [f"{method} {target} HTTP/{version}", "Host: tracker.test", *headers, "", ""]
    return "\r\n".join(lines).encode("latin-1")


def announce(*headers: str, **changed: bytes | str | int | None) -> bytes:
    """A leecher's announce as an HTTP request; arguments as of `get` and `query`."""
    return get(f"/announce?{query(**changed)}", *headers)


def decoded(body: bytes) -> dict[bytes, Any]:
    """A bencoded reply."""
    decoded: dict[bytes, Any] = bencodepy.decode(body)
    return decoded


async def announced(
    peer: TcpPeer, *headers: str, **changed: bytes | str | int | None
) -> dict[bytes, Any]:
    """Announce as a leecher; the decoded reply."""
    reply = await peer.ask(announce(*headers, **changed))
    assert 200 == reply.status
    return decoded(reply.body)


# WebSocket


def text(raw: bytes) -> str:
    """An id as JSON has it."""
    return raw.decode("latin-1")


def browser_id(number: int) -> bytes:
    """A peer_id of its own."""
    return b"-WW0001-" + f"{number:012}".encode()


class Browser:
    """A WebSocket that speaks JSON, for one peer_id and swarm unless told otherwise."""

    def __init__(self, socket: ClientConnection, peer_id: bytes) -> None:
        self.socket, self.peer_id = socket, peer_id

    async def say(self, **fields: object) -> None:
        """Send one message."""
        await self.socket.send(json.dumps(fields))

    async def hear(self) -> dict[str, Any]:
        """Read the next message."""
        async with asyncio.timeout(DEADLINE_S):
            message: dict[str, Any] = json.loads(await self.socket.recv())
        return message

    async def announce(self, **changed: object) -> dict[str, Any]:
        """Announce as a leecher, and read the reply."""
        await self.say(**self.request(**changed))
        reply = await self.hear()
        assert "interval" in reply, reply
        return reply

    def request(self, **changed: object) -> dict[str, Any]:
        """A leecher's announce."""
        request: dict[str, Any] = {
            "action": "announce",
            "info_hash": text(HASH),
            "peer_id": text(self.peer_id),
            "left": 1,
            "numwant": 5,
            "offers": [],
        }
        return request | changed

    async def scrape(self, *info_hashes: bytes) -> dict[str, Any]:
        """Scrape, which also shows that nothing else came before."""
        await self.say(action="scrape", info_hash=[text(each) for each in info_hashes or (HASH,)])
        reply = await self.hear()
        assert reply["action"] == "scrape", reply
        files: dict[str, Any] = reply["files"]
        return files

    async def closed(self) -> int:
        """The code that the tracker closes with, after whatever else it still sends."""
        async with asyncio.timeout(DEADLINE_S):
            await self.socket.wait_closed()
        code = self.socket.close_code
        assert code is not None
        return code


def offers(count: int, first: int = 0) -> list[dict[str, Any]]:
    """Offers with ids of their own."""
    return [
        {"offer": {"type": "offer", "sdp": f"sdp {at}"}, "offer_id": f"{at:020}"}
        for at in range(first, first + count)
    ]


@asynccontextmanager
async def browser(
    tracker: RunningNode,
    number: int = 1,
    *,
    path: str = "/",
    host: str = "127.0.0.1",
    ssl: SSLContext | None = None,
    local: str | None = None,
    forwarded_for: str | None = None,
) -> AsyncIterator[Browser]:
    """A connected browser, with a peer_id made of `number`.

    Args:
        local: the address that it connects from.
        forwarded_for: the address that a proxy in front of the tracker reports.
    """
    where = f"[{host}]" if ":" in host else host
    url = f"{'wss' if ssl else 'ws'}://{where}:{tracker.port('ws')}{path}"
    async with connect(
        url,
        ssl=ssl,
        compression=None,
        ping_interval=None,
        proxy=None,
        local_addr=(local, 0) if local else None,
        additional_headers={"X-Forwarded-For": forwarded_for} if forwarded_for else None,
    ) as socket:
        yield Browser(socket, browser_id(number))


def counts(seeders: int, leechers: int, completed: int = 0) -> dict[str, int]:
    """A swarm in numbers, as JSON has it."""
    return {"complete": seeders, "incomplete": leechers, "downloaded": completed}
