"""Garbage under every key in Redis: a tracker starts, serves, and logs what is wrong.

Each round empties Redis, plants garbage of random types under all keys that the tracker reads, and
starts a node on it. The seed is fixed: a failure comes back.
"""

import asyncio
import io
from collections.abc import Callable, Iterator
from contextlib import suppress
from random import Random

import pytest
from redis import Redis as Client
from rich.console import Console
from structlog.testing import capture_logs

from tests.frontends.clients import (
    HASH,
    SCRAPE,
    announce,
    announce_packet,
    browser,
    get,
    offers,
    scrape_packet,
    udp_peer,
)
from tests.nodes import RunningNode, running_node
from tests.redis_servers import RedisServer
from tests.store.asking import connected
from tracker.cli.board import board
from tracker.cli.output import print_json
from tracker.cli.overview import Observer, document
from tracker.errors import Corrupt
from tracker.jobs import _jobs
from tracker.model import Family
from tracker.policy.access import LIST_NAMES, SOURCES
from tracker.settings import Settings
from tracker.store.epochs import Epochs
from tracker.store.keys import (
    COUNT,
    FRONTENDS,
    HISTORY,
    SECRETS,
    STATISTICS,
    access_key,
    epoch_key,
    facts_key,
    lease_keys,
    swarm_key,
)
from tracker.store.redis_time import redis_time

ROUNDS = 6
IDS = (b"frontenA", b"frontenB", b"odd", b"\x1b[2J\x07\xff\xfe\xfd\xfc")
JOBS = ("statistics", "burial", "access", "servers", "secrets")
KEYS = (
    *(swarm_key(family, HASH) for family in Family),
    *(facts_key(each) for each in IDS),
    *(access_key(source) for source in SOURCES),
    *(key for name in JOBS for key in lease_keys(name)),
    *(STATISTICS, HISTORY, FRONTENDS, SECRETS, epoch_key(0)),
)
FIELDS = (
    *(str(name) for name in LIST_NAMES),
    *("fence", "snapshot", "previous", "current", "next", "since"),
)
VALUES = (
    b"",
    b"0",
    b"-1",
    b"1e400",
    b"nan",
    b"\xff\xfe\xfd",
    b"\x1b]0;owned\x07\x1b[2J",
    b"\x91" * 50_000,
    b"\xdd\xff\xff\xff\xff",
    b"\xdb\xff\xff\xff\xff",
    b"x" * 1_000_000,
    b"0123456789abcdef 99999 9999999999 " + b"0" * 64,
    b"abc:99999999999",
)
SCORES = ("-inf", "+inf", 0, 1e300, -1e300, 0.5, 1_900_000_000, -1_900_000_000)


def value(rng: Random) -> bytes:
    return rng.choice((rng.choice(VALUES), rng.randbytes(rng.randrange(200))))


def member(rng: Random) -> bytes:
    size = rng.choice((0, 3, 6, 7, 8, 18, 20, 28, 29))
    return rng.choice((COUNT, rng.choice(IDS), rng.randbytes(size), value(rng)))


def plant(client: Client, rng: Random, key: bytes) -> None:
    """Put garbage of a random type under `key`, mostly of the type that is expected there."""

    def string() -> None:
        client.set(key, value(rng))

    def a_list() -> None:
        client.rpush(key, value(rng))

    def fields() -> None:
        client.hset(key, mapping={field: value(rng) for field in FIELDS})

    def members() -> None:
        for _ in range(rng.randrange(1, 20)):
            client.zadd(key, {member(rng): rng.choice(SCORES)})

    kinds: tuple[Callable[[], object], ...] = (string, a_list, fields, members, members)
    rng.choice(kinds)()


def planted(client: Client, rng: Random) -> Iterator[bytes]:
    client.flushall()
    for key in KEYS:
        if rng.random() < 0.7:
            plant(client, rng, key)
            yield key


async def ask_all(tracker: RunningNode) -> None:
    """Requests of all protocols, on the damaged swarm: each is answered."""
    http = await tracker.tcp()
    for request in (announce(event="completed"), announce(), get(SCRAPE)):
        assert (await http.ask(request)).status in (200, 503)
    async with udp_peer(tracker.port("udp")) as peer:
        connection_id = await peer.connect()
        for packet in (announce_packet(connection_id), scrape_packet(connection_id, HASH)):
            await peer.ask(packet)
    async with browser(tracker) as one:
        await one.say(**one.request(offers=offers(2)))
        assert await one.hear()
        await one.say(action="scrape", info_hash=[HASH.decode("latin-1")])
        assert await one.hear()


async def run_jobs(url: str) -> None:
    """Each job of the cluster once, over the garbage: it succeeds, or names the damaged key."""
    async with connected(url) as redis:
        for job in _jobs(Settings(), redis):
            with suppress(Corrupt):
                await job.run_once(1)
        with suppress(Corrupt):
            await Epochs(redis, lambda: redis_time(redis)).look()


async def show(url: str) -> str:
    """What ``tracker status`` prints."""
    async with connected(url) as redis:
        overview = await Observer(redis, Settings().workers).look(await redis_time(redis))
    console = Console(width=200, file=io.StringIO(), color_system=None)
    for line in board(overview, 200):
        console.print(line)
    print_json(document(overview))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize("seed", range(ROUNDS))
async def test_garbage_in_redis_stops_nothing(
    redis_server: RedisServer, seed: int, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = Random(seed)
    with redis_server.client() as client, capture_logs() as logs:
        assert [*planted(client, rng)]
        async with running_node(redis_server.url) as tracker:
            await ask_all(tracker)
            await asyncio.gather(run_jobs(redis_server.url), ask_all(tracker))
            shown = await show(redis_server.url)
    assert not [entry for entry in logs if entry.get("exc_info")]
    assert not [entry for entry in logs if entry["event"] in ("task.failed", "redis.away")]
    damage = [entry for entry in logs if entry["event"] == "redis.corrupt"]
    assert damage
    assert all(entry["key"] and entry["problem"] for entry in damage)
    for text in (shown, capsys.readouterr().out):
        assert text.replace("\n", "").isprintable()
