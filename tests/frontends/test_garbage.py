"""A closed connection leaves nothing for the garbage collector, which would find it late."""

import gc
import ssl
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator

import pytest

from tests.frontends.clients import announce, get
from tests.hostile.attacks import frames
from tests.hostile.attacks.frames import HANDSHAKE, frame, header
from tests.nodes import RunningNode, TcpPeer, running_node, until
from tests.redis_servers import RedisServer, TlsFiles
from tracker.wire.http_head import END

End = Callable[[RunningNode, TcpPeer], Awaitable[None]]

HASH = b"garbage swarm 000000"
TIMES = 10
OURS = ("tracker.", "websockets.", "aiohttp.")  # modules of what a connection is made of

# What is sent, after which the client closes, the tracker closes, or the tracker cuts.
BY_CLIENT = {
    "no request": b"",
    "half a request": b"GET /announce?",
    "an announce": announce(),
    "a quiet browser": HANDSHAKE,
    "half a message": HANDSHAKE + header(65_000) + b"[" * 60_000,
    "a message": HANDSHAKE + frames.announce(HASH),
}
BY_TRACKER = {
    "a bad request": b"\0\r\n\r\n",
    "a page": get("/stats.json"),
    "a bad frame": HANDSHAKE + frame(b"", 3),
    "a close frame": HANDSHAKE + frame(b"", frames.CLOSE),
}


@pytest.fixture
def no_collector() -> Iterator[None]:
    """Only reference counts free memory."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def objects() -> Counter[str]:
    """Count the objects of our modules by type."""
    types = [type(each) for each in gc.get_objects()]
    return Counter(each.__qualname__ for each in types if each.__module__.startswith(OURS))


async def left(tracker: RunningNode, before: Counter[str]) -> dict[str, int]:
    """Return the types of which each connection has left an object."""
    await until(lambda: tracker.connections == 0)
    await until(lambda: tracker.node.redis.in_flight == 0)
    return {name: more for name, more in (objects() - before).items() if more >= TIMES}


async def client_closes(tracker: RunningNode, peer: TcpPeer) -> None:
    """Close the client's end."""
    await until(lambda: tracker.connections == 1)
    await peer.close()
    await until(lambda: tracker.connections == 0)


async def tracker_closes(tracker: RunningNode, peer: TcpPeer) -> None:
    """Read until the tracker has closed its end."""
    await peer.rest()
    await peer.close()


async def tracker_cuts(tracker: RunningNode, peer: TcpPeer) -> None:
    """Abort the connection, as the tracker does with the largest holders of memory."""
    await until(lambda: tracker.connections == 1)
    for connection in tracker.node.tcp.connections:
        connection.owner.abort()
    await peer.close()


CASES = [
    *((BY_CLIENT, sent, client_closes) for sent in BY_CLIENT),
    *((BY_CLIENT, sent, tracker_cuts) for sent in BY_CLIENT),
    *((BY_TRACKER, sent, tracker_closes) for sent in BY_TRACKER),
]


@pytest.mark.usefixtures("no_collector")
@pytest.mark.parametrize(
    ("programs", "sent", "end"), CASES, ids=[f"{sent}-{end.__name__}" for _, sent, end in CASES]
)
async def test_a_closed_connection_leaves_no_object(
    tracker: RunningNode, programs: dict[str, bytes], sent: str, end: End
) -> None:
    before = objects()
    for _ in range(TIMES):
        peer = await tracker.tcp()
        await peer.send(programs[sent])
        if END in programs[sent]:
            await peer.reader.readuntil(END)  # the request was served
        await end(tracker, peer)
    assert {} == await left(tracker, before)


@pytest.mark.usefixtures("no_collector")
@pytest.mark.parametrize("end", [client_closes, tracker_cuts])
@pytest.mark.parametrize("sent", ["an announce", "a quiet browser", "half a message"])
async def test_a_closed_tls_connection_leaves_no_object(
    redis: RedisServer, tls_files: TlsFiles, sent: str, end: End
) -> None:
    trust = ssl.create_default_context(cafile=tls_files.ca)
    tls = {"cert": tls_files.cert, "key": tls_files.key}
    async with running_node(redis.url, tls=tls) as tracker:
        before = objects()
        for _ in range(TIMES):
            peer = await tracker.tcp(ssl=trust)
            await peer.send(BY_CLIENT[sent])
            if END in BY_CLIENT[sent]:
                await peer.reader.readuntil(END)
            await end(tracker, peer)
        assert {} == await left(tracker, before)
