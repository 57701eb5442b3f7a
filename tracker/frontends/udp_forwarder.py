"""A balancer for UDP that keeps nothing about a datagram.

Each datagram of a client goes on to one of the backends with a PROXY header before it. The header
asks for its return: the backend's answer begins with the same header, which names the client and
the address that the client asked. So the answer finds its way without a session, a socket or a
connection-tracking entry per client, and a datagram that a backend ignores leaves no trace.

When more requests arrive than can be sent on, `UdpSocket` reads many at once, and the forwarder
sends on a fair choice of them. It cannot verify connection ids, so the source of a request may be
forged. A backend's answer to anything but a connect request proves that the id was valid: only an
address that gets such answers is held back by the kernel's filter.
"""

import asyncio
import socket
from collections.abc import Iterable, Sequence

import structlog

from tracker.frontends.udp_socket import (
    IP_PKTINFO,
    KERNEL_SIZE,
    PRESSED_BATCH,
    Ancillary,
    Buffer,
    Datagram,
    Origin,
    Sender,
    UdpSocket,
)
from tracker.metrics import Metrics
from tracker.policy.accounts import client_key
from tracker.policy.floods import Floods
from tracker.settings import UdpSettings
from tracker.wire.compact import format_ip, pack_ip
from tracker.wire.proxy_protocol import decode_datagram, encode_datagram
from tracker.wire.udp import CONNECT, CONNECT_HEAD

log = structlog.get_logger()

CONNECT_ANSWER = CONNECT.to_bytes(4, "big")
LEAST, MOST = 16, 2048  # bytes of a request; see `tracker.frontends.udp`
# Bytes. In order of arrival, a large buffer that is half full delays each datagram by a tenth of a
# second; the backends' buffers add to that.
PRESSING = PRESSED_BATCH * KERNEL_SIZE
PER_ROUND = 128  # requests sent on of one reading if more datagrams wait
LEAST_ANSWERS = 5  # in a window of `Floods`; the usual client has fewer
LEAST_PROVEN = 36  # bytes of a request other than a connect: a scrape of one info_hash
TRUST_S = 60.0  # a backend that is no longer named may still answer
_INFO4, _INFO6 = slice(4, 8), slice(0, 16)  # the local address in an in_pktinfo and an in6_pktinfo


class Forwarder:
    """Passes requests of all front sockets on over one back socket.

    Args:
        settings: the size of a batch and of receive buffers.
        fronts: bound sockets on which clients ask, of one port.
        back: a bound IPv4 socket that reaches the backends.
        metrics: where datagrams are counted.
        prefix_bits: of an IPv6 address that stand for one client.
    """

    max_request = MOST
    pressing = PRESSING

    def __init__(
        self,
        settings: UdpSettings,
        fronts: Sequence[socket.socket],
        back: socket.socket,
        metrics: Metrics,
        prefix_bits: int,
    ) -> None:
        self.settings = settings
        self.prefix_bits = prefix_bits
        self._key = client_key(prefix_bits)
        self._loop = asyncio.get_running_loop()
        self._port: int = fronts[0].getsockname()[1]
        self._back = back
        self._backends: list[tuple[str, int]] = []
        self._trusted: dict[tuple[str, int], float] = {}  # until when
        self._next = 0
        self._count = metrics.requests
        self._refused = metrics.refused
        self._dropped = metrics.udp_dropped
        self._dropped[()] = 0
        self._buffer = Buffer(back, settings.receive_buffer)
        self._fronts = {sock.family: UdpSocket(self, sock) for sock in fronts}
        metrics.before_reading(self._count_drops)
        self._loop.add_reader(back.fileno(), self._answers)

    @property
    def ready(self) -> bool:
        """Whether any backend is known."""
        return bool(self._backends)

    def use(self, backends: Iterable[tuple[str, int]]) -> None:
        """Send to these backends from now on."""
        now = self._loop.time()
        self._backends = sorted(backends)
        self._trusted = {each: until for each, until in self._trusted.items() if until > now}
        self._trusted |= dict.fromkeys(self._backends, now + TRUST_S)

    async def drain(self) -> None:
        """Send on the requests that have arrived, and no more. Answers are still passed back."""
        for front in self._fronts.values():
            await front.drain()

    def close(self) -> None:
        """Close the sockets."""
        self._count_drops()
        self._loop.remove_reader(self._back.fileno())
        self._back.close()
        for front in self._fronts.values():
            front.close()
        self._fronts.clear()

    def _count_drops(self) -> None:
        self.dropped(self._buffer.dropped())
        for front in self._fronts.values():
            front.count_drops()

    def dropped(self, number: int) -> None:
        """Count datagrams for which a receive buffer had no room."""
        self._dropped[()] += number

    def restrained(self, number: int) -> None:
        """Count datagrams that the kernel's filter held back."""
        self._refused["work", "process"] += number

    def lost(self, error: OSError) -> None:
        """Count a datagram that could not be sent."""
        self._count["udp", "forward", "lost"] += 1
        log.debug("udp.send", error=str(error))

    def floods(self) -> Floods:
        """Return the policy of one socket."""
        return Floods(PER_ROUND, least_answers=LEAST_ANSWERS)

    def begin(self) -> float:
        """Return the monotonic time."""
        return self._loop.time()

    def late(self, now: float) -> bool:
        """Return False: nothing waits here."""
        return False

    def handle(self, data: bytes, origin: Origin, ancillary: Ancillary, _sender: Sender) -> None:
        """Send a request to the next backend."""
        if len(data) < LEAST or not ancillary:
            return
        if not self._backends:
            self._count["udp", "forward", "unavailable"] += 1
            return
        source = pack_ip(origin[0]), origin[1]
        level, _, info = ancillary[0]
        local = info[_INFO4 if level == socket.IPPROTO_IP else _INFO6]
        self._next = (self._next + 1) % len(self._backends)
        try:
            self._back.sendto(
                encode_datagram(source, (local, self._port)) + data, self._backends[self._next]
            )
            self._count["udp", "forward", "ok"] += 1
        except OSError as error:
            self.lost(error)

    def handle_fairly(
        self,
        datagrams: Sequence[Datagram],
        sender: Sender,
        floods: Floods,
        *,
        more_wait: bool,
    ) -> None:
        """Send on a fair choice of the requests; drop datagrams that are no requests."""
        requests = [each for each in datagrams if _is_request(each[0])]
        self._count["udp", "forward", "malformed"] += len(datagrams) - len(requests)
        keys = [self._key(pack_ip(origin[0])) for _, origin, _ in requests]
        chosen = floods.choose(keys, more_wait=more_wait, room=PER_ROUND)
        for (data, origin, ancillary), serve in zip(requests, chosen, strict=True):
            if serve:
                self.handle(data, origin, ancillary, sender)
        self._refused["work", "process"] += len(chosen) - sum(chosen)

    def _answers(self) -> None:
        """Pass answers back: in one iteration more than requests are sent on, so none pile up."""
        now = self._loop.time()
        for _ in range(PRESSED_BATCH):
            try:
                data, origin = self._back.recvfrom(65_535)
            except BlockingIOError:
                return
            except OSError as error:
                log.debug("udp.receive", error=str(error))
                continue
            path = decode_datagram(data) if origin in self._trusted else None
            if path is None:
                self._count["udp", "forward", "silent"] += 1
                continue
            (ip, port), (local, _) = path.source, path.destination
            front = self._fronts.get(socket.AF_INET if len(ip) == 4 else socket.AF_INET6)
            if front is None:
                continue
            answer = data[path.size :]
            front.send((format_ip(ip), port), _from(local), answer)
            if front.floods.pressed(now) and not answer.startswith(CONNECT_ANSWER):
                front.floods.answered(self._key(ip))


def _is_request(data: bytes) -> bool:
    """Return whether a datagram may be a request that a frontend answers."""
    return len(data) >= LEAST_PROVEN or (len(data) >= LEAST and data.startswith(CONNECT_HEAD))


def _from(local: bytes) -> Ancillary:
    """Return the control message that sends an answer from the address that was asked."""
    if len(local) == 4:
        return [(socket.IPPROTO_IP, IP_PKTINFO, bytes(4) + local + bytes(4))]
    return [(socket.IPPROTO_IPV6, socket.IPV6_PKTINFO, local + bytes(4))]
