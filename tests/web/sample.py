"""A cluster with swarms, traffic and a day of history, for browser tests and screenshots.

Swarms and traffic are real announces. The points of the past are recorded through the store.
"""

import asyncio
import itertools
import math
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from hashlib import sha1
from typing import NamedTuple

from websockets.asyncio.client import connect

from tests.frontends.clients import Browser, browser_id, query, udp_peer
from tests.redis_servers import redis_servers
from tests.store.asking import connected
from tests.tracker_process import TrackerProcess, running_tracker
from tracker.model import Snapshot
from tracker.settings import WorkersSettings
from tracker.store.census import Census
from tracker.store.history import History

SWARMS = 420
BROWSERS = 46
FLAGS = (
    "--announce-client-addresses",
    "--limits-entries-per-second",
    "100000",
    "--limits-entries-burst",
    "1000000",
    "--cluster-heartbeat",
    "1",
    "--cluster-dead-after",
    "4",
)
UDP_PER_S, HTTP_PER_S, WS_PER_S = 64, 24, 6  # announces


class Cluster(NamedTuple):
    """Frontends over one Redis."""

    redis_url: str
    frontends: list[TrackerProcess]


@contextmanager
def running_cluster(*flags: str, period_s: float = 1.0) -> Iterator[Cluster]:
    """Two frontends over one Redis; the first one counts each `period_s`."""
    with redis_servers() as start:
        url = start("debian").url
        shared = (*FLAGS, "--redis", url, *flags)
        workers = ("--with-workers", "--workers-statistics-period", str(period_s))
        with running_tracker(*shared, *workers) as one, running_tracker(*shared) as two:
            yield Cluster(url, [one, two])


@asynccontextmanager
async def populated(cluster: Cluster, settle_s: float = 4.0) -> AsyncIterator[None]:
    """Fill swarms, go on announcing for `settle_s`, and record a past with the rates of then."""
    chance = random.Random(4)
    one, two = cluster.frontends
    await _fill(one.ports["http"], chance)
    sockets = [await _enter(two.ports["ws"], number) for number in range(BROWSERS)]
    traffic = [
        asyncio.create_task(_http_traffic(two.ports["http"], chance)),
        asyncio.create_task(_udp_traffic(one.ports["udp"], chance)),
        asyncio.create_task(_ws_traffic(sockets)),
    ]
    try:
        await asyncio.sleep(settle_s)
        await record_past(cluster.redis_url, chance)
        yield
    finally:
        for task in traffic:
            task.cancel()
        await asyncio.gather(*traffic, return_exceptions=True)
        for socket in sockets:
            await socket.socket.close()


def _endpoints(chance: random.Random) -> Iterator[tuple[bytes, str, int]]:
    """An info_hash, an address and how much is left, of each peer of each swarm."""
    for swarm in range(SWARMS):
        size = max(1, int(chance.paretovariate(0.9) * 2))
        for _ in range(min(size, 90)):
            ipv6 = chance.random() < 0.18
            ip = (
                f"2a02:{chance.randrange(1, 65535):x}::{chance.randrange(1, 65535):x}"
                if ipv6
                else f"{chance.randrange(11, 99)}.{chance.randrange(256)}.{chance.randrange(256)}.9"
            )
            yield _info_hash(swarm), ip, int(chance.random() < 0.35)


async def _fill(port: int, chance: random.Random) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for number, (info_hash, ip, left) in enumerate(_endpoints(chance)):
        peer_id = b"-TR4060-" + f"{number:012}".encode()
        target = query(info_hash=info_hash, peer_id=peer_id, left=left, ip=ip, numwant=0)
        await _ask(reader, writer, target)
    writer.close()


async def _ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, target: str) -> None:
    writer.write(f"GET /announce?{target} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
    head = await reader.readuntil(b"\r\n\r\n")
    size = int(head.lower().partition(b"content-length: ")[2].partition(b"\r")[0])
    await reader.readexactly(size)


async def _enter(port: int, number: int) -> Browser:
    socket = await connect(f"ws://127.0.0.1:{port}/", compression=None, proxy=None)
    browser = Browser(socket, browser_id(number))
    await _announce(browser, number)
    return browser


async def _announce(browser: Browser, number: int) -> None:
    info_hash = _info_hash(SWARMS + number // 5).decode("latin-1")
    await browser.announce(info_hash=info_hash, left=int(number % 3 != 0))


async def _http_traffic(port: int, chance: random.Random) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    with closing(writer):
        async for _ in _beats(HTTP_PER_S):
            info_hash = _info_hash(chance.randrange(SWARMS))
            await _ask(reader, writer, query(info_hash=info_hash, port=0, numwant=0))


async def _udp_traffic(port: int, chance: random.Random) -> None:
    async with udp_peer(port) as peer:
        connection_id = b""
        async for number in _beats(UDP_PER_S):
            if number % (60 * UDP_PER_S) == 0:  # it is good for two minutes
                connection_id = await peer.connect()
            info_hash = _info_hash(chance.randrange(SWARMS))
            await peer.announce(connection_id, info_hash=info_hash, port=0)


async def _ws_traffic(browsers: list[Browser]) -> None:
    async for number in _beats(WS_PER_S):
        await _announce(browsers[number % BROWSERS], number % BROWSERS)


async def _beats(per_second: float) -> AsyncIterator[int]:
    """Count, at a steady rate also on a busy machine."""
    loop = asyncio.get_running_loop()
    begun = loop.time()
    for number in itertools.count():
        yield number
        await asyncio.sleep(begun + (number + 1) / per_second - loop.time())


def _info_hash(number: int) -> bytes:
    return sha1(str(number).encode()).digest()


async def record_past(redis_url: str, chance: random.Random) -> None:
    """Record a day and an hour that end with what is counted now."""
    async with connected(redis_url) as redis:
        snapshot = await Census(redis).published()
        assert snapshot is not None
        history = History(redis, WorkersSettings())
        now = snapshot.totals.counted_at
        for age in (*range(86_400, 3600, -300), *range(3600, 20, -15)):
            await history.record(_earlier(snapshot, now - age, age, chance))


def _earlier(snapshot: Snapshot, at: int, age: int, chance: random.Random) -> Snapshot:
    """What was counted then: more in the evening, fewer at night."""
    wave = 1 + 0.35 * (math.cos((age / 3600 - 2) / 24 * 2 * math.pi) - math.cos(-math.pi / 6))

    def scaled(value: float, noise: float) -> float:
        return max(0.0, value * wave * chance.gauss(1, noise))

    totals = snapshot.totals
    counts = {name: int(scaled(value, 0.006)) for name, value in totals._asdict().items()}
    rates = {name: scaled(value, 0.05) for name, value in snapshot.rates.items()}
    return snapshot._replace(totals=totals._replace(**counts | {"counted_at": at}), rates=rates)
