"""Good requests on new sockets, which a tracker must serve whatever came before."""

import asyncio
import socket

from websockets.asyncio.client import connect

from tests.frontends.clients import Browser, announce, browser_id
from tests.nodes import TcpPeer
from tracker.wire.http_client import AnnounceReply, decode_announce_reply

HASH = b"good" * 5


async def announces_over_http(port: int, head: bytes = b"") -> None:
    """Announce over HTTP; `head` is what a proxy sends before all else."""
    peer = TcpPeer(*await asyncio.open_connection(sock=_connected(port, head)))
    try:
        reply = await peer.ask(announce(info_hash=HASH))
    finally:
        await peer.close()
    assert isinstance(decode_announce_reply(reply.body), AnnounceReply)


async def announces_over_websocket(port: int, head: bytes = b"") -> None:
    """Announce over WebSocket; `head` as above."""
    url, sock = f"ws://127.0.0.1:{port}/", _connected(port, head)
    async with connect(url, sock=sock, compression=None, proxy=None) as channel:
        reply = await Browser(channel, browser_id(1)).announce(info_hash=HASH.decode())
    assert 1 == reply["incomplete"]


def _connected(port: int, head: bytes) -> socket.socket:
    sock = socket.create_connection(("127.0.0.1", port), timeout=10)
    sock.sendall(head)
    sock.setblocking(False)
    return sock
