"""Announces and scrapes over UDP (BEP 15), on our own sockets.

The loop only says that a socket is readable; datagrams are then read in batches with recvmsg,
which tells the address that was asked, and answered with sendmsg from that address. An address
that has not proven itself by a connection id gets a connect answer of its request's size, or
silence, and nothing is kept for it.
"""

import asyncio
import socket
from collections.abc import Callable, Sequence
from functools import partial

import structlog

from tracker.errors import Malformed, TrackerError
from tracker.metrics import Metrics
from tracker.model import Announce, Announced, Counts, Ip
from tracker.policy.addresses import Networks
from tracker.service.peers import Peers
from tracker.service.ports import Clock
from tracker.settings import UdpSettings
from tracker.wire import proxy_protocol
from tracker.wire import udp as wire
from tracker.wire.compact import pack, pack_ip
from tracker.wire.connection_id import ConnectionIds

log = structlog.get_logger()

MAX_REQUEST = 2048  # bytes read of a datagram; an announce with all its options is far smaller
ANCILLARY = socket.CMSG_SPACE(20)  # an in6_pktinfo, the larger of the two
REPLY_HEAD = 20  # bytes of an announce reply before its peers
COUNTS_SIZE, SCRAPE_HEAD = 12, 8
KERNEL_SIZE = 512  # bytes of a receive buffer that the least datagram takes, by Linux's count

IP_PKTINFO = getattr(socket, "IP_PKTINFO", 8)  # Linux's number, which Python 3.11 does not name

ACTIONS = {wire.CONNECT: "connect", wire.ANNOUNCE: "announce", wire.SCRAPE: "scrape"}

Origin = tuple[str, int] | tuple[str, int, int, int]  # a socket address, as Python has it
Ancillary = list[tuple[int, int, bytes]]


class UdpFrontend:
    """All UDP sockets of this process."""

    def __init__(
        self,
        settings: UdpSettings,
        ids: ConnectionIds,
        peers: Peers,
        clock: Clock,
        metrics: Metrics,
        *,
        client_addresses: bool,
        proxies: Networks | None,
    ) -> None:
        """What all sockets share.

        Args:
            settings: of this protocol.
            ids: make and check connection ids.
            peers: answers announces and scrapes.
            clock: wall time.
            metrics: where requests are counted.
            client_addresses: believe the IP address that an announce names.
            proxies: who begins each datagram with a head of the PROXY protocol, so that it stands
                for the client named there; nobody else is heard. None: clients send themselves.
        """
        self.settings = settings
        self.handle = self._direct if proxies is None else partial(self._proxied, proxies)
        self.max_request = MAX_REQUEST + (0 if proxies is None else proxy_protocol.MAX_SIZE)
        self._ids = ids
        self._peers = peers
        self._clock = clock
        self._count = metrics.requests
        self._client_addresses = client_addresses
        self._max_scrape = min(
            settings.max_scrape, (settings.max_reply - SCRAPE_HEAD) // COUNTS_SIZE
        )
        self._sockets: list[UdpSocket] = []

    def listen(self, sock: socket.socket) -> None:
        """Serve a bound, non-blocking socket."""
        self._sockets.append(UdpSocket(self, sock))

    async def drain(self) -> None:
        """Read what has come, and no more; what was asked is still answered."""
        for each in self._sockets:
            await each.drain()

    def close(self) -> None:
        """Close the sockets."""
        for each in self._sockets:
            each.close()
        self._sockets.clear()

    def lost(self, error: OSError) -> None:
        """An answer could not be sent."""
        self._count["udp", "reply", "lost"] += 1
        log.debug("udp.send", error=str(error))

    def _direct(self, data: bytes, origin: Origin, send: Callable[[bytes], None]) -> None:
        """A client's datagram."""
        self._answer(data, pack_ip(origin[0]), send)

    def _proxied(
        self, proxies: Networks, data: bytes, origin: Origin, send: Callable[[bytes], None]
    ) -> None:
        """A proxy's datagram; the answer goes back to it, without a head."""
        proxy = pack_ip(origin[0])
        head = _head(data) if proxy in proxies else None  # anybody can write such a head
        if head is None:
            self._count["udp", "proxy", "silent"] += 1
        else:
            self._answer(data[head.size :], head.source[0] if head.source else proxy, send)

    def _answer(self, data: bytes, ip: Ip, send: Callable[[bytes], None]) -> None:
        """Answer one datagram, now or when Redis has answered."""
        now_s = self._clock()
        if data[:12] == wire.CONNECT_HEAD and len(data) >= 16:
            self._count["udp", "connect", "ok"] += 1
            send(wire.encode_connect_reply(data[12:16], self._ids.mint(ip, now_s)))
            return
        if len(data) < 16 or not self._ids.valid(data[:8], ip, now_s):
            self._count["udp", "unproven", "silent"] += 1
            return
        action = int.from_bytes(data[8:12], "big")
        try:
            if action == wire.ANNOUNCE:
                self._announce(data, ip, send)
            elif action == wire.SCRAPE:
                self._scrape(data, send)
            else:
                raise Malformed("unknown action")
        except TrackerError as error:
            self._fail(ACTIONS.get(action, "unknown"), data[12:16], send, error)

    def _announce(self, data: bytes, ip: Ip, send: Callable[[bytes], None]) -> None:
        request = wire.decode_announce(data)
        if self._client_addresses and len(ip) == 4 and request.ip != bytes(4):
            ip = request.ip
        announce = Announce(
            request.info_hash,
            request.peer_id,
            pack(ip, request.port),
            request.event,
            request.left == 0,
            request.numwant,
            False,
        )
        self._peers.announce(
            announce, partial(self._announced, request.transaction_id, len(ip) + 2, send)
        )

    def _announced(
        self,
        transaction_id: bytes,
        stride: int,
        send: Callable[[bytes], None],
        result: Announced | TrackerError,
    ) -> None:
        if isinstance(result, TrackerError):
            self._fail("announce", transaction_id, send, result)
            return
        self._count["udp", "announce", "ok"] += 1
        counts = result.counts
        peers = result.peers if stride == 6 else result.peers6
        room = (self.settings.max_reply - REPLY_HEAD) // stride * stride
        send(
            wire.encode_announce_reply(
                transaction_id, result.interval_s, counts.leechers, counts.seeders, peers[:room]
            )
        )

    def _scrape(self, data: bytes, send: Callable[[bytes], None]) -> None:
        request = wire.decode_scrape(data)
        if len(request.info_hashes) > self._max_scrape:
            raise Malformed(f"too many info_hashes, at most {self._max_scrape}")
        self._peers.scrape(
            request.info_hashes, partial(self._scraped, request.transaction_id, send)
        )

    def _scraped(
        self,
        transaction_id: bytes,
        send: Callable[[bytes], None],
        result: Sequence[Counts] | TrackerError,
    ) -> None:
        if isinstance(result, TrackerError):
            self._fail("scrape", transaction_id, send, result)
        else:
            self._count["udp", "scrape", "ok"] += 1
            send(wire.encode_scrape_reply(transaction_id, result))

    def _fail(
        self,
        action: str,
        transaction_id: bytes,
        send: Callable[[bytes], None],
        error: TrackerError,
    ) -> None:
        self._count["udp", action, error.label] += 1
        send(wire.encode_error(transaction_id, error.reason))


class UdpSocket:
    """One bound socket."""

    def __init__(self, frontend: UdpFrontend, sock: socket.socket) -> None:
        self._frontend = frontend
        self._loop = asyncio.get_running_loop()
        self._socket = sock
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, frontend.settings.receive_buffer)
        if sock.family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
        else:
            sock.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
        self._loop.add_reader(sock.fileno(), self._readable)

    async def drain(self) -> None:
        """Read what the kernel holds for us, and no more."""
        self._loop.remove_reader(self._socket.fileno())
        held = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) // KERNEL_SIZE
        for _ in range(0, held, self._frontend.settings.batch):  # not for as long as more comes
            if not self._readable():
                return
            await asyncio.sleep(0)

    def close(self) -> None:
        """Answer no more."""
        self._loop.remove_reader(self._socket.fileno())
        self._socket.close()

    def _readable(self) -> bool:
        """Read up to a batch; the loop calls again at once if there is more, as True tells."""
        receive, handle, send = self._socket.recvmsg, self._frontend.handle, self._send
        size = self._frontend.max_request
        for _ in range(self._frontend.settings.batch):
            try:
                data, ancillary, _flags, origin = receive(size, ANCILLARY)
            except BlockingIOError:
                return False
            except OSError as error:  # an earlier answer's ICMP error; the socket is still good
                log.debug("udp.receive", error=str(error))
                continue
            handle(data, origin, partial(send, origin, _source(ancillary)))
        return True

    def _send(self, origin: Origin, ancillary: Ancillary, reply: bytes) -> None:
        """Answer from the address that was asked; what the kernel won't take is lost, as UDP is."""
        try:
            self._socket.sendmsg((reply,), ancillary, 0, origin)
        except OSError as error:
            self._frontend.lost(error)


def _head(data: bytes) -> proxy_protocol.Header | None:
    """What a proxy told; None: nothing, or not all in this datagram."""
    try:
        return proxy_protocol.decode(data)
    except Malformed:
        return None


def _source(ancillary: Ancillary) -> Ancillary:
    """From the address that a datagram was sent to, the one that its answer leaves from."""
    if not ancillary:
        return ancillary
    level, kind, info = ancillary[0]
    if level == socket.IPPROTO_IP:  # in_pktinfo: interface, local address, address in the header
        # The interface is left to the routes, as for any other answer.
        info = b"\0\0\0\0" + info[4:8] + b"\0\0\0\0"
    return [(level, kind, info)]
