"""Parts what a UDP client sends, as a balancer does that knows no clients, only packets."""

import selectors
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from tests.cluster.fleet import Frontend
from tracker.wire.udp import CONNECT_HEAD

Address = tuple[str, int]
MAX_PACKET = 2048
POLL_S = 0.1


class Parting:
    """Connects go to one frontend, all else to another; each client is told apart by a socket."""

    def __init__(self, connects: Frontend, others: Frontend) -> None:
        self._to = {True: connects.address("udp"), False: others.address("udp")}
        self._selector = selectors.DefaultSelector()
        self._towards: dict[Address, socket.socket] = {}
        self._stopped = False
        self._front = self._open(None)
        self.parted: Counter[bool] = Counter()  # packets by whether they are connects

    @property
    def url(self) -> str:
        """What clients announce to."""
        return "udp://127.0.0.1:{1}/announce".format(*self._front.getsockname())

    def run(self) -> None:
        """Until `stop`."""
        while not self._stopped:
            for key, _ in self._selector.select(POLL_S):
                sock: socket.socket = key.fileobj  # type: ignore[assignment]  # what we registered
                data, source = sock.recvfrom(MAX_PACKET)
                if key.data is None:
                    self._forward(data, source)
                else:
                    self._front.sendto(data, key.data)

    def stop(self) -> None:
        """Let `run` end."""
        self._stopped = True

    def close(self) -> None:
        """Close all sockets, after `run`."""
        self._selector.close()
        for sock in (self._front, *self._towards.values()):
            sock.close()

    def _forward(self, data: bytes, client: Address) -> None:
        sock = self._towards.get(client)
        if sock is None:
            sock = self._towards[client] = self._open(client)
        connect = data.startswith(CONNECT_HEAD)
        self.parted[connect] += 1
        sock.sendto(data, self._to[connect])

    def _open(self, client: Address | None) -> socket.socket:
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind(("127.0.0.1", 0))
        self._selector.register(sock, selectors.EVENT_READ, client)
        return sock


@contextmanager
def parting(connects: Frontend, others: Frontend) -> Iterator[Parting]:
    """One that works for the length of a ``with``."""
    between = Parting(connects, others)
    thread = threading.Thread(target=between.run, name="parting")
    thread.start()
    try:
        yield between
    finally:
        between.stop()
        thread.join()
        between.close()
