"""The clocks of machines differ by a minute; what machines compare goes by the clock of Redis."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import pytest

from tests.frontends.clients import browser, offers
from tests.nodes import RunningNode, running_node, until
from tests.redis_servers import RedisServer
from tests.store.asking import connected
from tracker import node as node_module
from tracker.clock import steady_us
from tracker.jobs import _jobs
from tracker.settings import Settings
from tracker.store.frontends import registered
from workers.burial import LOOKS

SKEW_S = 60
CLUSTER = {"heartbeat": 0.05, "dead_after": 60.0}
NEAR_S = 5.0  # the largest error that a busy machine may cause here


def ahead(seconds: int) -> int:
    """Unix seconds by a clock that is ahead, or behind."""
    return int(time.time()) + seconds


def ahead_us(seconds: int) -> int:
    """Unix microseconds by a clock that is ahead, or behind."""
    return steady_us() + seconds * 1_000_000


@asynccontextmanager
async def pair(
    redis_url: str, monkeypatch: pytest.MonkeyPatch, skew_s: int
) -> AsyncIterator[tuple[RunningNode, RunningNode]]:
    """Two nodes that know each other, the first with a clock that is ahead by `skew_s`."""
    monkeypatch.setattr(node_module, "clock", partial(ahead, skew_s))
    monkeypatch.setattr(node_module, "steady_us", partial(ahead_us, skew_s))
    async with running_node(redis_url, cluster=CLUSTER) as wrong:
        monkeypatch.undo()
        async with running_node(redis_url, cluster=CLUSTER) as right:
            for node, other in ((wrong, right), (right, wrong)):
                await until(lambda: other.node.frontends.me in list(node.node.frontends))  # noqa: B023
            yield wrong, right


async def test_a_minute_between_machines_does_no_harm(
    redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = {"heartbeat": 0.05, "dead_after": 5.0}
    monkeypatch.setattr(node_module, "clock", partial(ahead, SKEW_S))
    async with running_node(redis_server.url, cluster=cluster) as fast:
        monkeypatch.setattr(node_module, "clock", partial(ahead, -SKEW_S))
        async with (
            running_node(redis_server.url, cluster=cluster) as slow,
            browser(fast, 1) as one,
            browser(slow, 2) as two,
        ):
            for node, other in ((fast, slow), (slow, fast)):
                await until(lambda: other.node.frontends.me in list(node.node.frontends))  # noqa: B023
            await one.announce()
            await two.say(**two.request(offers=offers(1)))
            assert {"offer": offers(1)[0]["offer"]}.items() <= (await one.hear()).items()
            assert 2 == (await two.hear())["incomplete"]
            # A worker on a third machine; its clock is not asked at all.
            monkeypatch.setattr(time, "time", lambda: 0.0)
            async with connected(redis_server.url) as redis:
                (burial,) = [job for job in _jobs(Settings(), redis) if job.name == "burial"]
                for _ in range(2 * LOOKS):
                    assert {} == await burial.run_once(1)
            assert 2 == (await one.announce())["incomplete"]


@pytest.mark.parametrize("skew_s", [-SKEW_S, SKEW_S])
async def test_a_browser_that_moves_is_found_at_its_new_frontend_only(
    redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch, skew_s: int
) -> None:
    """From the frontend with the wrong clock to the other, and back; its sockets stay open."""
    async with (
        pair(redis_server.url, monkeypatch, skew_s) as (wrong, right),
        browser(right, 2) as other,
        browser(wrong, 1) as first,
    ):
        await other.announce()
        await first.announce(left=0)
        async with browser(right, 1) as second:
            await second.announce(left=0)
            await until(lambda: wrong.node.metrics.relayed["moved", "delivered"] == 1)
            await until(lambda: not wrong.node.removals)
            assert 1 == (await other.announce(offers=offers(2)))["complete"]
            assert f"{0:020}" == (await second.hear())["offer_id"]
            async with browser(wrong, 1) as third:
                await third.announce(left=0)
                await until(lambda: right.node.metrics.relayed["moved", "delivered"] == 1)
                await until(lambda: not right.node.removals)
                assert 1 == (await other.announce(offers=offers(2, 2)))["complete"]
                assert f"{2:020}" == (await third.hear())["offer_id"]


async def test_the_facts_of_frontends_have_the_time_of_redis(
    redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun_s = time.time()
    async with (
        pair(redis_server.url, monkeypatch, SKEW_S) as (wrong, right),
        connected(redis_server.url) as redis,
    ):
        frontends = await registered(redis)
        assert {wrong.node.frontends.me, right.node.frontends.me} == {each.id for each in frontends}
        for each in frontends:
            assert each.facts is not None
            assert abs(each.facts.since - begun_s) < NEAR_S
            assert abs(each.facts.beat - time.time()) < NEAR_S
        assert abs((await wrong.node.website.look()).at - time.time()) < NEAR_S
