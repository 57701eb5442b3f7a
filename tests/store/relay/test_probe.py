"""The relay sends messages to itself, and so finds out that it hears nothing."""

import math

import pytest
from structlog.testing import capture_logs

from tests.redis_servers import RedisServer
from tests.store.asking import events, until
from tests.store.relay.parties import BERT, A, B, Party, acquaint, an_offer, never, party
from tracker.errors import Away, Unavailable
from tracker.settings import RedisSettings
from tracker.wire.relay import Probe

QUICK = RedisSettings(timeout=0.3, reconnect_max=0.05)


def gauge(party: Party) -> float | None:
    """What the metrics tell."""
    return party.metrics.registry().get_sample_value("tracker_relay_seconds")


async def test_a_probe_tells_how_long_messages_take(redis_server: RedisServer) -> None:
    async with party(redis_server.url, A) as one:
        assert (None, False) == (one.relay.latency_s, one.relay.up)
        assert math.isnan(gauge(one) or 0)
        for _ in range(2):
            await one.relay.probe()
            assert one.relay.up
            assert one.relay.latency_s is not None
            assert 0 < one.relay.latency_s < QUICK.timeout * 5
            assert one.relay.latency_s == gauge(one)
        assert {} == one.relayed
    assert not one.relay.up


async def test_a_subscription_that_brings_nothing_is_made_anew(redis_server: RedisServer) -> None:
    async with party(redis_server.url, A, QUICK) as one, party(redis_server.url, B, QUICK) as two:
        await acquaint(one, two)
        await one.relay.probe()
        await two.relay.probe()
        inbox = two.relay._subscription._inbox
        assert inbox is not None
        assert inbox._transport is not None
        inbox._transport.pause_reading()  # as if the network ate it
        with capture_logs() as logs:
            await two.relay.probe()
            assert math.isnan(gauge(two) or 0)
            await two.relay.wait_up()
        assert ["relay.deaf", "relay.up"] == events(logs)
        assert {("probe", "lost"): 1} == two.relayed
        assert (None, False) == (two.relay.latency_s, two.relay.up)  # until it proves itself
        await two.relay.probe()
        assert two.relay.latency_s is not None
        bert = two.socket(BERT)
        assert one.relay.offer(B, an_offer(one, BERT), never)
        await until(lambda: bert.sent != [])


async def test_without_redis_a_probe_cannot_be_sent(redis_server: RedisServer) -> None:
    async with party(redis_server.url, A, QUICK) as one:
        await one.relay.probe()
        redis_server.kill()
        await until(lambda: not one.redis.up and not one.relay._subscription.up)
        with pytest.raises(Unavailable):
            await one.relay.probe()
        assert not one.relay.up
        redis_server.start()
        await one.redis.wait_up()
        await one.relay.wait_up()
        await one.relay.probe()
        assert one.relay.up


async def test_a_redis_that_hangs_is_reported_by_its_connection_alone(
    redis_server: RedisServer,
) -> None:
    async with party(redis_server.url, A, QUICK) as one:
        await one.relay.probe()
        redis_server.pause()
        with capture_logs() as logs, pytest.raises(Away):
            await one.relay.probe()
        assert one.relay.latency_s is None
        await until(lambda: bool(logs))
        assert {"redis.away"} == set(events(logs))


async def test_a_probe_that_comes_late_is_not_taken_for_the_next(redis_server: RedisServer) -> None:
    async with party(redis_server.url, A) as one:
        one.relay._arrived(Probe(1))  # of nobody
        await one.relay.probe()
        latency_s = one.relay.latency_s
        one.relay._arrived(Probe(1))
        assert latency_s == one.relay.latency_s
