"""TCP attackers: many sockets that send prepared streams again and again, at a bounded rate."""

import itertools
import select
import socket
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import NamedTuple

from tests.hostile.child import begun, report

TICK_S = 0.01
CHUNK = 65_536  # bytes sent or read at once
MOST_REOPENED = 20  # sockets per tick
MOST_EVENTS = 2000  # per tick
NUMBER = b"#socket#"  # in what is sent, the number of the socket replaces it


class Program(NamedTuple):
    """What a socket sends: the prefix, then the unit again and again."""

    prefix: bytes
    unit: bytes


class Habits(NamedTuple):
    """What all sockets of an attacker do alike; see `run`."""

    reads: bool
    once: bool
    reply: bytes


class Stream:
    """One socket, and how far it has sent its stream."""

    def __init__(self, to: tuple[str, int], source: str, number: int, program: Program) -> None:
        self._to, self._source, self._number = to, source, number
        self._program = program
        self.socket: socket.socket | None = None
        self.pending = memoryview(b"")

    def open(self, buffer: int | None, *, whole: bool) -> socket.socket:
        """Connect, without waiting for it; `whole`: the unit follows the prefix once."""
        sock = socket.socket()
        sock.setblocking(False)
        if buffer is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        self.socket = sock
        sock.bind((self._source, 0))
        with suppress(BlockingIOError):
            sock.connect(self._to)
        self.pending = self._numbered(self._program.prefix)
        if whole:
            self.repeat(1)
        return sock

    def repeat(self, least: int) -> bool:
        """Append units, at least one and about `least` bytes; False: there is none."""
        unit = self._program.unit
        units = self._numbered(unit * max(1, least // max(1, len(unit))))
        self.pending = memoryview(bytes(self.pending) + units)
        return bool(units)

    def _numbered(self, data: bytes) -> memoryview:
        return memoryview(data.replace(NUMBER, b"%08d" % self._number))

    def close(self) -> None:
        """Close; the kernel sends a reset if something was not read."""
        if self.socket is not None:
            self.socket.close()
            self.socket = None


class Streams:
    """All sockets of one attacker, and what they did."""

    def __init__(
        self,
        to: tuple[str, int],
        sources: Sequence[str],
        sockets: int,
        programs: Sequence[Program],
        habits: Habits,
    ) -> None:
        self._habits = habits
        numbers = zip(itertools.cycle(sources), itertools.cycle(programs), range(sockets))
        self._closed = deque(
            Stream(to, source, number, program) for source, program, number in numbers
        )
        self._open: dict[int, Stream] = {}
        self._sending: deque[Stream] = deque()
        self._poll = select.epoll()
        self.opened = self.sent = self.received = self.cut = 0

    def open(self, most: int) -> None:
        """Open sockets again that are closed, at most so many."""
        habits = self._habits
        for _ in range(min(most, len(self._closed))):
            stream = self._closed.popleft()
            try:
                sock = stream.open(None if habits.reads else 4096, whole=habits.once)
            except OSError:
                self._closed.append(stream)
                return
            self._open[sock.fileno()] = stream
            self._poll.register(sock, select.EPOLLIN if habits.reads else 0)
            self._sending.append(stream)
            self.opened += 1

    def tick(self, allowance: int) -> int:
        """Read what came, and send up to `allowance` bytes in all; returns how many were sent."""
        for number, _ in self._poll.poll(0, MOST_EVENTS):
            self._try(self._open[number], self._read)
        sent, before = 0, self.sent
        for _ in range(len(self._sending)):
            if sent >= allowance:
                break
            stream = self._sending.popleft()
            if stream.socket is not None:
                self._try(stream, partial(self._send, allowance - sent))
                sent = self.sent - before
        return sent

    def close(self) -> None:
        """Close every socket."""
        for stream in self._open.values():
            stream.close()
        self._poll.close()

    def _try(self, stream: Stream, act: Callable[[Stream], None]) -> None:
        """Read or send; a socket that the tracker has closed can be opened again."""
        try:
            act(stream)
        except BlockingIOError:
            pass
        except OSError:
            self.cut += 1
            self._leave(stream)

    def _leave(self, stream: Stream) -> None:
        assert stream.socket is not None
        del self._open[stream.socket.fileno()]
        stream.close()
        self._closed.append(stream)

    def _send(self, allowance: int, stream: Stream) -> None:
        assert stream.socket is not None
        if not stream.pending and (self._habits.once or not stream.repeat(CHUNK)):
            return
        self._sending.append(stream)
        sent = stream.socket.send(stream.pending[:allowance])
        stream.pending = stream.pending[sent:]
        self.sent += sent

    def _read(self, stream: Stream) -> None:
        assert stream.socket is not None
        data = stream.socket.recv(CHUNK)
        if not data:
            raise ConnectionResetError
        self.received += len(data)
        if self._habits.once and not stream.pending:  # answered: the next visit
            self._leave(stream)
        elif self._habits.reply and not stream.pending:
            stream.pending = memoryview(self._habits.reply)
            self._sending.append(stream)


def run(  # noqa: PLR0913
    *,
    to: tuple[str, int],
    sources: list[str],
    sockets: int,
    seconds: float,
    per_second: float,
    programs: list[tuple[str, str]],
    reads: bool = True,
    once: bool = False,
    reopen: bool = True,
    reply: str = "",
) -> None:
    """Attack, then report how many sockets were opened and cut, and the bytes sent and received.

    Args:
        to: host and port.
        sources: local addresses; the sockets are spread over them.
        sockets: open at once.
        seconds: the time of the attack, or less if standard input is closed.
        per_second: bytes sent at most, by all sockets together.
        programs: what the sockets send, each in turn: a prefix and a unit, in Latin-1.
        reads: whether answers are read, or fill the buffers.
        once: each socket sends its unit once, reads the answer, and is replaced by another.
        reopen: open another socket for each that was cut.
        reply: what is sent whenever something was read, in Latin-1: a pong keeps a WebSocket open.
    """
    streams = Streams(
        (to[0], to[1]),
        sources,
        sockets,
        [Program(prefix.encode("latin-1"), unit.encode("latin-1")) for prefix, unit in programs],
        Habits(reads, once, reply.encode("latin-1")),
    )
    streams.open(sockets)
    begun()
    start_s = now_s = time.monotonic()
    sent = 0
    while now_s < start_s + seconds:
        due = min(int((now_s - start_s) * per_second), sent + int(per_second / 4))
        sent += streams.tick(due - sent)
        if reopen:
            streams.open(MOST_REOPENED)
        if select.select([sys.stdin], [], [], max(0.0, now_s + TICK_S - time.monotonic()))[0]:
            break
        now_s = time.monotonic()
    streams.close()
    report({name: getattr(streams, name) for name in ("opened", "sent", "received", "cut")})
