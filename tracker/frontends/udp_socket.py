"""A UDP socket: reading in batches, answers from the address that was asked, fairness in a flood.

The event loop only reports that the socket is readable. Datagrams are read in batches with recvmsg,
which returns the address that was asked, and answered with sendmsg from that address.

When the receive buffer fills up, the socket reads many datagrams at once, and its handler serves a
fair choice of them; see `tracker.policy.floods`. Drops by the kernel are read from
SO_MEMINFO when the metrics are read. SO_RXQ_OVFL has the same number, but costs each datagram.
"""

import asyncio
import socket
from collections.abc import Callable, Sequence
from functools import partial
from struct import Struct
from typing import Protocol, TypeAlias

import structlog

from tracker.frontends import udp_filter
from tracker.policy.floods import Floods
from tracker.settings import UdpSettings

log = structlog.get_logger()

ANCILLARY = socket.CMSG_SPACE(20)  # an in6_pktinfo, the larger of the two
KERNEL_SIZE = 512  # bytes of a receive buffer that the smallest datagram takes, as Linux counts
PRESSED_BATCH = 1024  # datagrams read at once under pressure; reading one takes 1.5 µs
FULL = 0.9  # of the receive buffer: datagrams are lost

IP_PKTINFO = getattr(socket, "IP_PKTINFO", 8)  # Linux's number, which Python 3.11 does not name
SO_MEMINFO = 55
_MEMINFO = Struct("=9I")  # bytes that wait to be read, …, datagrams dropped (linux/sock_diag.h)

Origin: TypeAlias = tuple[str, int] | tuple[str, int, int, int]  # a socket address in Python
Ancillary: TypeAlias = list[tuple[int, int, bytes]]
Send: TypeAlias = Callable[[bytes], None]
Sender: TypeAlias = Callable[[Origin, Ancillary], Send]  # makes what answers a datagram
Datagram: TypeAlias = tuple[bytes, Origin, Ancillary]


class Handler(Protocol):
    """The handler of datagrams: a frontend (`UdpFrontend`) or a balancer (`Forwarder`)."""

    settings: UdpSettings
    max_request: int
    pressing: int  # bytes that wait when pressure begins, unless half of the buffer is less
    prefix_bits: int  # of an IPv6 address that stand for one client

    def floods(self) -> Floods:
        """Return the policy of one socket under pressure."""

    def begin(self) -> float:
        """Read the clocks for the next requests; return the monotonic time."""

    def late(self, now: float) -> bool:
        """Return whether too many requests wait for too long elsewhere."""

    def handle(self, data: bytes, origin: Origin, ancillary: Ancillary, sender: Sender) -> None:
        """Serve one datagram."""

    def handle_fairly(
        self,
        datagrams: Sequence[Datagram],
        sender: Sender,
        floods: Floods,
        *,
        more_wait: bool,
    ) -> None:
        """Serve those of the datagrams that `floods` chooses."""

    def lost(self, error: OSError) -> None:
        """Count an answer that could not be sent."""

    def dropped(self, number: int) -> None:
        """Count datagrams for which the receive buffer had no room."""

    def restrained(self, number: int) -> None:
        """Count datagrams that the kernel's filter held back."""


class Buffer:
    """The kernel's report on a socket's receive buffer."""

    def __init__(self, sock: socket.socket, size: int) -> None:
        self._socket = sock
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)
        self.size = sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
        self._last = self.meminfo()[1]

    def meminfo(self) -> tuple[int, int]:
        """Return the bytes that wait to be read, and the kernel's count of dropped datagrams."""
        try:
            info = self._socket.getsockopt(socket.SOL_SOCKET, SO_MEMINFO, _MEMINFO.size)
        except OSError:  # not Linux, or an emulation of it: no fairness, no count
            return 0, 0
        waiting, *_, dropped = _MEMINFO.unpack(info)
        return waiting, dropped

    def dropped(self) -> int:
        """Return how many datagrams the kernel has dropped since the last call."""
        last, self._last = self._last, self.meminfo()[1]
        return (self._last - last) & 0xFFFFFFFF  # the kernel's number wraps


class UdpSocket:
    """One bound socket."""

    def __init__(self, handler: Handler, sock: socket.socket) -> None:
        self._handler = handler
        self._loop = asyncio.get_running_loop()
        self._socket = sock
        self._batch = handler.settings.batch
        self.floods = handler.floods()
        self._filtered = False
        self._overflowed = False  # since the last review
        self._buffer = Buffer(sock, handler.settings.receive_buffer)
        self._pressing = min(handler.pressing, self._buffer.size // 2)
        if sock.family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
        else:
            sock.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
        self._loop.add_reader(sock.fileno(), self._readable)

    async def drain(self) -> None:
        """Read what the kernel holds for us, and no more."""
        self._loop.remove_reader(self._socket.fileno())
        for _ in range(
            0, self._buffer.size // KERNEL_SIZE, self._batch
        ):  # not as long as more comes
            if not self._readable():
                return
            await asyncio.sleep(0)

    def close(self) -> None:
        """Answer no more."""
        self._loop.remove_reader(self._socket.fileno())
        self._socket.close()

    def count_drops(self) -> None:
        """Count the datagrams that the kernel has dropped since the last call.

        The kernel adds up those that found no room and those that the filter held back. Which of
        them a drop was, shows whether the buffer was about full.
        """
        dropped = self._buffer.dropped()
        if self._filtered and not self._overflowed:
            self._handler.restrained(dropped)
        else:
            self._handler.dropped(dropped)

    def _readable(self) -> bool:
        """Read up to a batch; return whether there may be more. The loop then calls again."""
        now = self._handler.begin()
        if self._handler.late(now):
            self.floods.press(now)
        if self.floods.pressed(now):
            return self._read_pressed(now)
        receive, handle, sender = self._socket.recvmsg, self._handler.handle, self._sender
        size = self._handler.max_request
        for _ in range(self._batch):
            try:
                data, ancillary, _flags, origin = receive(size, ANCILLARY)
            except BlockingIOError:
                return False
            except OSError as error:  # an earlier answer's ICMP error; the socket is still good
                log.debug("udp.receive", error=str(error))
                continue
            handle(data, origin, ancillary, sender)
        if self._buffer.meminfo()[0] > self._pressing:
            self.floods.press(now)
        return True

    def _read_pressed(self, now: float) -> bool:
        """Read many datagrams and answer a fair choice of them."""
        receive, size = self._socket.recvmsg, self._handler.max_request
        datagrams: list[Datagram] = []
        more_wait = True
        if self._buffer.meminfo()[0] > self._buffer.size * FULL:
            self._overflowed = True
        for _ in range(PRESSED_BATCH):
            try:
                data, ancillary, _flags, origin = receive(size, ANCILLARY)
            except BlockingIOError:
                more_wait = False
                break
            except OSError as error:  # as above
                log.debug("udp.receive", error=str(error))
                continue
            datagrams.append((data, origin, ancillary))
        if more_wait:
            self.floods.press(now)
        self._handler.handle_fairly(datagrams, self._sender, self.floods, more_wait=more_wait)
        if self.floods.due(now):
            self.count_drops()
            self._overflowed = False
            if self.floods.review(now):
                self._restrain()
        return more_wait

    def _restrain(self) -> None:
        """Let the kernel hold back the addresses that send far more than their share."""
        keys = self.floods.restrained
        try:
            if keys:
                bits = self._handler.prefix_bits if self._socket.family == socket.AF_INET6 else None
                program = udp_filter.sampling(keys, bits, self.floods.sample)
                udp_filter.attach(self._socket, program)
                self._filtered = True
            elif self._filtered:
                udp_filter.detach(self._socket)
                self._filtered = False
        except OSError as error:  # the fair choice goes on without the kernel's help
            log.warning("udp.filter", error=str(error))
            return
        log.info("udp.restrained", addresses=len(keys), sample=self.floods.sample)

    def _sender(self, origin: Origin, ancillary: Ancillary) -> Send:
        """Return what sends an answer to a datagram."""
        return partial(self.send, origin, _source(ancillary))

    def send(self, origin: Origin, ancillary: Ancillary, reply: bytes) -> None:
        """Answer from the address that was asked; what the kernel does not take is lost."""
        try:
            self._socket.sendmsg((reply,), ancillary, 0, origin)
        except OSError as error:
            self._handler.lost(error)


def _source(ancillary: Ancillary) -> Ancillary:
    """From the address that a datagram was sent to, the one that its answer leaves from."""
    if not ancillary:
        return ancillary
    level, kind, info = ancillary[0]
    if level == socket.IPPROTO_IP:  # in_pktinfo: interface, local address, address in the header
        # The interface is left to the routes, as for any other answer.
        info = b"\0\0\0\0" + info[4:8] + b"\0\0\0\0"
    return [(level, kind, info)]
