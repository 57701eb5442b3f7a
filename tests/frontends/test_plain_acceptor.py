"""Plain connections under overload: many are accepted in an iteration of the event loop."""

import asyncio
import socket
import struct

from tests.frontends.clients import announce, announced
from tests.nodes import RunningNode, TcpPeer, until
from tracker.frontends.plain_acceptor import ACCEPTS, PlainAcceptor
from tracker.policy.accounts import Account

CLIENTS = 3 * ACCEPTS
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close with a reset


class Busy:
    """A request that has to wait for its turn again and again."""

    def __init__(self, tracker: RunningNode) -> None:
        self._turns, self._account = tracker.node.turns, Account(b"busy")
        self.iterations = 0
        self.stopped = False

    def serve(self) -> None:
        """Use an iteration of the event loop up."""
        self.iterations += 1
        if not self.stopped:
            self._turns.charge(3600)
            self._turns.wait(self._account, self.serve)


async def connected(tracker: RunningNode) -> socket.socket:
    """A connection that waits to be accepted: the tracker's loop, which is ours, does not turn."""
    sock = socket.create_connection(("127.0.0.1", tracker.port()))
    sock.setblocking(False)
    return sock


async def peer_of(sock: socket.socket) -> TcpPeer:
    """The connection with a stream's reader and writer."""
    return TcpPeer(*await asyncio.open_connection(sock=sock))


async def test_connections_are_accepted_in_batches_while_requests_wait(
    tracker: RunningNode,
) -> None:
    clients = [await connected(tracker) for _ in range(CLIENTS)]
    busy = Busy(tracker)
    busy.serve()
    for _ in range(CLIENTS // 4):
        await asyncio.sleep(0)
    assert tracker.connections == CLIENTS
    busy.stopped = True
    for sock in clients:
        peer = await peer_of(sock)
        await announced(peer)
        await peer.close()
    await until(lambda: tracker.connections == 0)


async def test_a_client_that_has_left_before_it_is_accepted_leaves_no_trace(
    tracker: RunningNode,
) -> None:
    for _ in range(ACCEPTS):
        sock = await connected(tracker)
        sock.send(announce())
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        sock.close()
    last = await connected(tracker)
    busy = Busy(tracker)
    busy.serve()
    await until(lambda: tracker.connections == 1)
    busy.stopped = True
    peer = await peer_of(last)
    await announced(peer)
    await peer.close()
    await until(lambda: tracker.connections == 0)


async def test_who_is_connected_when_the_port_closes_is_served(tracker: RunningNode) -> None:
    clients = [await connected(tracker) for _ in range(CLIENTS)]
    tracker.node.tcp.close_listeners()
    for sock in clients:
        peer = await peer_of(sock)
        await announced(peer)
        await peer.close()


async def test_nothing_is_accepted_once_the_port_is_closed(tracker: RunningNode) -> None:
    tcp = tracker.node.tcp
    acceptors = [each for each in tcp._acceptors if isinstance(each, PlainAcceptor)]
    first, second = await connected(tracker), await connected(tracker)
    for acceptor in acceptors:
        acceptor._accept()
    tcp.close_listeners()
    for acceptor in acceptors:
        await acceptor.wait_closed()
        assert not acceptor._tasks
    busy = Busy(tracker)
    busy.serve()
    await until(lambda: busy.iterations > 10)
    busy.stopped = True
    assert 0 == tracker.connections
    first.close()
    second.close()
