"""The pages of a running tracker: its cluster, its swarms, its readiness, and how it is reached."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.frontends.clients import HASH, announced, browser, get
from tests.nodes import DEADLINE_S, RunningNode, TcpPeer, running_node, until
from tests.redis_servers import RedisServer
from tracker.jobs import background_jobs
from tracker.metrics import Metrics
from tracker.policy.access import Hashes, ListName
from tracker.store.access import AccessStore
from tracker.web import statistics

WORKERS = {"statistics_period": 0.05}
CLUSTER = {"heartbeat": 0.05, "dead_after": 5.0}


@pytest.fixture(autouse=True)
def _always_fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statistics, "FRESH_S", 0.0)


@pytest.fixture
async def tracker(redis_server: RedisServer) -> AsyncIterator[RunningNode]:
    """A tracker whose statistics are counted all the time."""
    async with (
        running_node(redis_server.url, workers=WORKERS, cluster=CLUSTER) as running,
        background_jobs(running.node.settings, redis_server.url, Metrics()),
    ):
        yield running


async def page(tracker: RunningNode, path: str, *lines: str) -> tuple[int, str]:
    """Status and body of a page."""
    peer = await tracker.tcp()
    reply = await peer.ask(get(path, *lines))
    await peer.close()
    return reply.status, reply.body.decode()


async def content(tracker: RunningNode, path: str) -> dict[str, Any]:
    status, body = await page(tracker, path)
    assert 200 == status
    found: dict[str, Any] = json.loads(body)
    return found


async def counted(tracker: RunningNode, **expected: int) -> None:
    """Return once the statistics have these totals."""
    async with asyncio.timeout(DEADLINE_S):
        while True:
            totals = (await content(tracker, "/stats.json"))["totals"] or {}
            if expected.items() <= totals.items():
                return


async def test_every_frontend_shows_the_whole_cluster(
    tracker: RunningNode, redis_server: RedisServer
) -> None:
    async with running_node(redis_server.url, cluster=CLUSTER) as other, browser(other) as one:
        await one.announce()
        peer = await tracker.tcp()
        await announced(peer)
        for each in (tracker, other):
            await counted(each, swarms=1, ipv4_leechers=1, browser_leechers=1)
            assert 2 == (await content(each, "/stats.json"))["frontends"]
            _, body = await page(each, "/stats")
            assert '<span data-live="leechers">2</span>' in body


async def test_announces_become_a_rate_and_points(tracker: RunningNode) -> None:
    peer = await tracker.tcp()
    for _ in range(20):
        await announced(peer)
    async with asyncio.timeout(DEADLINE_S):
        while not (await content(tracker, "/stats.json"))["announces_per_second"]["http"]:
            await announced(peer)
    look = tracker.node.website.look
    async with asyncio.timeout(DEADLINE_S):
        while not (found := await look()).hour or not found.day:
            look._points_until = 0.0
    assert found.hour[-1].frontends == 1


async def test_pages_without_redis_say_that_nothing_is_known(
    tracker: RunningNode, redis_server: RedisServer
) -> None:
    await counted(tracker, swarms=0)
    redis_server.kill()
    await tracker.redis_gone()
    await until(lambda: not tracker.node.redis.up)
    for path in ("/", "/stats"):
        status, body = await page(tracker, path)
        assert (200, True) == (status, "are not known at the moment" in body)
    assert (503, '{"ready": false}') == await page(tracker, "/healthz")
    status, body = await page(tracker, f"/swarms/{HASH.hex()}.json")
    assert (503, True) == (status, "error" in json.loads(body))


async def test_readiness_is_on_the_public_port(tracker: RunningNode) -> None:
    assert (200, '{"ready": true}') == await page(tracker, "/healthz")


async def swarm(tracker: RunningNode) -> tuple[int, int, int]:
    """Seeders, leechers and leeching browsers of one swarm."""
    found = await content(tracker, f"/swarms/{HASH.hex()}.json")
    return found["seeders"], found["leechers"], found["browsers"]["leechers"]


async def test_a_swarm_counts_clients_and_browsers(tracker: RunningNode) -> None:
    assert (0, 0, 0) == await swarm(tracker)
    peer = await tracker.tcp()
    await announced(peer)
    await announced(peer, left=0, port=6882)
    async with browser(tracker) as one:
        await one.announce()
        assert (1, 1, 1) == await swarm(tracker)


async def test_a_denied_swarm_has_zeros_as_in_a_scrape(tracker: RunningNode) -> None:
    peer = await tracker.tcp()
    await announced(peer)
    assert (0, 1, 0) == await swarm(tracker)
    denied = Hashes()
    denied.append(HASH)
    await AccessStore(tracker.node.redis).publish(ListName("deny", "manual"), denied, 1)
    async with asyncio.timeout(DEADLINE_S):
        while await swarm(tracker) != (0, 0, 0):  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_scrapes_that_wait_have_a_bound_for_pages_too(redis_server: RedisServer) -> None:
    async with running_node(redis_server.url, limits={"scraped_hashes": 1}) as tracker:
        scrapes = tracker.node.budgets.scrapes
        assert scrapes.begin(1)
        status, body = await page(tracker, f"/swarms/{HASH.hex()}.json")
        assert (503, {"error": "the tracker is overloaded"}) == (status, json.loads(body))
        scrapes.end(1)
        assert (0, 0, 0) == await swarm(tracker)


async def test_a_drain_ends_the_streams(redis_server: RedisServer) -> None:
    async with running_node(redis_server.url) as tracker:
        peer = await stream(tracker)
        async with asyncio.timeout(DEADLINE_S):
            await tracker.node.drain(patient=False)
            await peer.rest()
        assert 0 == len(tracker.node.website.streams)


async def test_a_stream_that_is_idle_or_read_is_not_cut(tracker: RunningNode) -> None:
    peer = await stream(tracker)
    for _ in range(5):
        tracker.pass_time(11)
    assert 1 == len(tracker.node.website.streams)
    assert {} == tracker.closed
    await peer.close()
    await until(lambda: len(tracker.node.website.streams) == 0)


async def stream(tracker: RunningNode) -> TcpPeer:
    peer = await tracker.tcp()
    await peer.send(get("/stats/events"))
    async with asyncio.timeout(DEADLINE_S):
        await peer.reader.readuntil(b"retry: 5000\n\n")
    return peer


PROXIED = ("X-Forwarded-For: 192.0.2.1", "X-Forwarded-Proto: https", "X-Forwarded-Host: t.test")


async def test_a_trusted_proxy_decides_about_the_urls(redis_server: RedisServer) -> None:
    async with running_node(redis_server.url, listen={"trusted_proxies": ["127.0.0.1"]}) as tracker:
        _, body = await page(tracker, "/", *PROXIED)
        port = tracker.port("udp")
    for url in ("https://t.test/announce", f"udp://t.test:{port}/announce", "wss://t.test/"):
        assert f">{url}</code>" in body


async def test_anybody_else_does_not(tracker: RunningNode) -> None:
    _, body = await page(tracker, "/", *PROXIED)
    assert "t.test" not in body.replace("tracker.test", "")
    assert ">http://tracker.test/announce</code>" in body


async def test_public_urls_are_shown(redis_server: RedisServer) -> None:
    public = ["https://t.test", "udp://t.test:6969"]
    listen = {"only": ["http", "ws"], "public_url": public}
    async with running_node(redis_server.url, listen=listen) as tracker:
        _, body = await page(tracker, "/")
    for url in ("https://t.test/announce", "udp://t.test:6969/announce", "ws://tracker.test/"):
        assert f">{url}</code>" in body
