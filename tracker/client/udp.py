"""Asks trackers over UDP (BEP 15, BEP 41).

A packet that stays unanswered is sent again after 1, 2 and 4 seconds: the 15 · 2^n of BEP 15
spare a tracker that millions ask, and are too slow for one operator.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from socket import AF_INET6, SOCK_DGRAM, AddressFamily, socket
from typing import Final, TypeAlias, TypeVar, cast
from urllib.parse import SplitResult, urlsplit

from tracker.client.model import (
    AnnounceReply,
    AnnounceRequest,
    BadReply,
    BadUrl,
    Refused,
    to_peers,
)
from tracker.model import IPV4_SIZE, IPV6_SIZE, Counts, InfoHash
from tracker.wire import udp as wire

_RESEND_AFTER_S: Final = (1.0, 2.0, 4.0)
_MOST_HASHES: Final = 70  # in one packet; BEP 15 allows about 74

Address: TypeAlias = tuple[str, int] | tuple[str, int, int, int]  # as Python's sockets have it

_T = TypeVar("_T")
_R = TypeVar("_R", wire.ConnectReply, wire.AnnounceReply, wire.ScrapeReply)


async def announce(url: str, request: AnnounceRequest, family: AddressFamily) -> AnnounceReply:
    """As `tracker.client.announce`."""
    split = urlsplit(url)
    # Path and query, for trackers that part their users by them (BEP 41).
    url_data = split._replace(scheme="", netloc="", fragment="").geturl().encode()
    reply = await _ask_first(split, family, lambda tracker: tracker.announce(request, url_data))
    return AnnounceReply(
        reply.interval_s,
        seeders=reply.seeders,
        leechers=reply.leechers,
        peers=to_peers(reply.peers),
    )


async def scrape(
    url: str, info_hashes: Sequence[InfoHash], family: AddressFamily
) -> Mapping[InfoHash, Counts]:
    """As `tracker.client.scrape`, with as many packets as the hashes take."""

    async def question(tracker: _Tracker) -> dict[InfoHash, Counts]:
        counts: dict[InfoHash, Counts] = {}
        for at in range(0, len(info_hashes), _MOST_HASHES):
            counts |= await tracker.scrape(info_hashes[at : at + _MOST_HASHES])
        return counts

    return await _ask_first(urlsplit(url), family, question)


async def _ask_first(
    url: SplitResult, family: AddressFamily, question: Callable[["_Tracker"], Awaitable[_T]]
) -> _T:
    """The answer of the first of the host's addresses where somebody listens."""
    refusals = []
    for one_family, address in await _resolve(url, family):
        try:
            async with _open(one_family, address) as tracker:
                await tracker.connect()
                return await question(tracker)
        except OSError as error:
            refusals.append(error)
    raise refusals[0]


async def _resolve(url: SplitResult, family: AddressFamily) -> list[tuple[AddressFamily, Address]]:
    """The host's addresses, at least one."""
    if url.port is None:
        raise BadUrl("a udp:// URL needs a port")
    found = await asyncio.get_running_loop().getaddrinfo(
        url.hostname, url.port, family=family, type=SOCK_DGRAM
    )
    return [(one_family, cast(Address, address)) for one_family, _, _, _, address in found]


@asynccontextmanager
async def _open(family: AddressFamily, address: Address) -> AsyncIterator["_Tracker"]:
    size = IPV6_SIZE if family == AF_INET6 else IPV4_SIZE
    with socket(family, SOCK_DGRAM) as channel:
        channel.setblocking(False)
        channel.connect(address)  # now the kernel drops what others send
        transport, tracker = await asyncio.get_running_loop().create_datagram_endpoint(
            partial(_Tracker, size), sock=channel
        )
        try:
            yield tracker
        finally:
            transport.close()
            await tracker.closed.wait()


class _Tracker(asyncio.DatagramProtocol):
    """A tracker at the other end of a connected socket."""

    def __init__(self, endpoint_size: int) -> None:
        self._endpoint_size = endpoint_size
        self._received: asyncio.Queue[bytes | Exception] = asyncio.Queue()
        self._connection_id = b""
        self.closed = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def connection_lost(self, _: Exception | None) -> None:
        self.closed.set()

    def datagram_received(self, data: bytes, _: object) -> None:
        self._received.put_nowait(data)

    def error_received(self, error: Exception) -> None:
        self._received.put_nowait(error)

    async def connect(self) -> None:
        """Get a connection id; good for a minute, longer than anybody waits here."""
        transaction_id = _transaction_id()
        packet = wire.encode_connect_request(transaction_id)
        reply = await self._ask(packet, transaction_id, wire.ConnectReply)
        self._connection_id = reply.connection_id

    async def announce(self, request: AnnounceRequest, url_data: bytes) -> wire.AnnounceReply:
        transaction_id = _transaction_id()
        packet = wire.encode_announce_request(
            wire.AnnounceRequest(
                connection_id=self._connection_id,
                transaction_id=transaction_id,
                info_hash=request.info_hash,
                peer_id=request.peer_id,
                downloaded=0,
                left=request.left,
                uploaded=0,
                event=request.event,
                ip=bytes(4),
                key=secrets.token_bytes(4),
                numwant=request.numwant,
                port=request.port,
                url_data=url_data,
            )
        )
        return await self._ask(packet, transaction_id, wire.AnnounceReply)

    async def scrape(self, info_hashes: Sequence[InfoHash]) -> dict[InfoHash, Counts]:
        transaction_id = _transaction_id()
        request = wire.ScrapeRequest(self._connection_id, transaction_id, tuple(info_hashes))
        packet = wire.encode_scrape_request(request)
        counts = (await self._ask(packet, transaction_id, wire.ScrapeReply)).counts
        if len(counts) != len(info_hashes):
            raise BadReply(f"counts of {len(counts)} swarms instead of {len(info_hashes)}")
        return dict(zip(info_hashes, counts, strict=True))

    async def _ask(self, packet: bytes, transaction_id: bytes, kind: type[_R]) -> _R:
        pauses = iter(_RESEND_AFTER_S)
        while True:
            self._transport.sendto(packet)
            with suppress(TimeoutError):
                async with asyncio.timeout(next(pauses, None)):
                    return await self._reply(transaction_id, kind)

    async def _reply(self, transaction_id: bytes, kind: type[_R]) -> _R:
        while True:
            received = await self._received.get()
            if isinstance(received, Exception):
                raise received
            if received[4:8] != transaction_id:
                continue  # late, or forged
            reply = wire.decode_reply(received, self._endpoint_size)
            if isinstance(reply, wire.ErrorReply):
                raise Refused(reply.reason)
            if not isinstance(reply, kind):
                raise BadReply("the reply to another kind of request")
            return reply


def _transaction_id() -> bytes:
    return secrets.token_bytes(4)
