"""Small trackers for tests of the client: real sockets, and answers that the test decides."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from ssl import SSLContext
from typing import cast

from aiohttp import web
from websockets.asyncio.server import ServerConnection, serve

from tracker.client.udp import Address
from tracker.model import Counts
from tracker.wire import udp
from tracker.wire.compact import pack, pack_ip
from tracker.wire.udp import ANNOUNCE, CONNECT_HEAD

INFO_HASH = bytes(range(236, 256))  # bytes that are no UTF-8
OTHER_HASH = b"&=%+ ;?#/\\\"'<>\0\n\r\t~."
PEER_ID = b"-XX0001-" + bytes(12)
CONNECTION_ID = bytes(range(8))
PEERS = (("192.0.2.1", 6881), ("198.51.100.2", 65_535))
PEERS6 = (("2001:db8::1", 51_413),)
COUNTS = Counts(seeders=3, completed=7, leechers=2)

UdpAnswer = Callable[[bytes], Sequence[bytes]]
WsAnswer = Callable[[bytes], Sequence[str | bytes]]


def endpoints(peers: Sequence[tuple[str, int]]) -> bytes:
    """Joined compact endpoints."""
    return b"".join(pack(pack_ip(host), port) for host, port in peers)


def connect_first(packet: bytes) -> bytes | None:
    """The answer to a connect; None for any other packet, whose connection id must be ours."""
    if packet.startswith(CONNECT_HEAD):
        return udp.encode_connect_reply(packet[12:16], CONNECTION_ID)
    assert packet.startswith(CONNECTION_ID)
    return None


def good_answer(packet: bytes) -> list[bytes]:
    """What a tracker on IPv4 with `PEERS` in each of its swarms says."""
    if reply := connect_first(packet):
        return [reply]
    if int.from_bytes(packet[8:12], "big") == ANNOUNCE:
        transaction_id = udp.decode_announce(packet).transaction_id
        counts = COUNTS.leechers, COUNTS.seeders
        return [udp.encode_announce_reply(transaction_id, 1800, *counts, endpoints(PEERS))]
    scrape = udp.decode_scrape(packet)
    return [udp.encode_scrape_reply(scrape.transaction_id, [COUNTS] * len(scrape.info_hashes))]


class _UdpTracker(asyncio.DatagramProtocol):
    def __init__(self, answer: UdpAnswer, watch: Callable[[bytes, Address], object]) -> None:
        self._answer, self._watch = answer, watch

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, source: Address) -> None:
        self._watch(data, source)
        for reply in self._answer(data):
            self._transport.sendto(reply, source)


@asynccontextmanager
async def udp_tracker(
    answer: UdpAnswer = good_answer,
    host: str = "127.0.0.1",
    watch: Callable[[bytes, Address], object] = lambda packet, source: None,
) -> AsyncIterator[int]:
    """Each packet gets the packets that `answer` makes of it; yields the port.

    `watch` sees each packet and its source before it is answered.
    """
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: _UdpTracker(answer, watch), local_addr=(host, 0)
    )
    try:
        port: int = transport.get_extra_info("sockname")[1]
        yield port
    finally:
        transport.close()


@asynccontextmanager
async def http_tracker(
    answer: Callable[[web.Request], web.StreamResponse],
    host: str = "127.0.0.1",
    ssl: SSLContext | None = None,
) -> AsyncIterator[int]:
    """Each request, of any path, gets what `answer` makes of it; yields the port."""

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        assert isinstance(request, web.Request)
        return answer(request)

    app = web.Application()
    app.router.add_get("/{path:.*}", handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, 0, ssl_context=ssl).start()
        port: int = runner.addresses[0][1]
        yield port
    finally:
        await runner.cleanup()


@asynccontextmanager
async def ws_tracker(
    answer: WsAnswer, host: str = "127.0.0.1", ssl: SSLContext | None = None
) -> AsyncIterator[int]:
    """Each message gets the messages that `answer` makes of it; yields the port.

    A message of b"close" closes the socket instead.
    """

    async def talk(socket: ServerConnection) -> None:
        async for message in socket:
            assert isinstance(message, str)  # clients of this protocol send text only
            for reply in answer(message.encode()):
                if reply == b"close":
                    return
                await socket.send(reply)

    async with serve(talk, host, 0, ssl=ssl) as server:
        port: int = next(iter(server.sockets)).getsockname()[1]
        yield port
