"""A Redis that lost all it had, or answers nobody, while clients come as ever."""

import time
from collections import Counter
from random import Random

import pytest

from tests.cluster.balancer import ByReadiness
from tests.cluster.fleet import running_fleet
from tests.cluster.load import GENTLE, MIXED, running_load
from tests.cluster.records import failed, failures
from tests.redis_servers import StartRedis

INTERVAL_S = 100
EARLY_S = INTERVAL_S / 10
NOTICED_WITHIN_S = 4.0

HANGS_S = 10.0
FAILS_WITHIN_S = 2.0
BACK_WITHIN_S = 2.0
MAX_GROWTH = 16 << 20  # bytes in memory; what 600 requests a second left behind would be more


@pytest.mark.timeout(90)
def test_swarms_that_redis_lost_are_back_after_a_tenth_of_the_interval(
    start_redis: StartRedis,
) -> None:
    redis = start_redis()
    mix = MIXED._replace(swarms=320, peers=16_000)  # each peer comes once in EARLY_S
    with (
        running_fleet(
            redis.url,
            3,
            "--announce-interval",
            f"{INTERVAL_S}",
            "--announce-min-interval",
            "10",
            "--announce-peer-ttl",
            "300",
        ) as fleet,
        running_load(ByReadiness(fleet, Random(1)), mix) as load,
    ):
        load.settle(30)
        with redis.client() as client:
            client.flushall()
        lost_s = time.monotonic()
        load.settle(EARLY_S + 5)
    assert Counter() == failures(load.outcomes)
    peers = [each for each in load.outcomes if each.protocol != "ws"]
    before = {each.interval_s for each in peers if each.until_s < lost_s}
    assert min(before) > EARLY_S
    told_early = {
        each.interval_s
        for each in peers
        if lost_s + NOTICED_WITHIN_S < each.at_s < lost_s + EARLY_S - 1
    }
    assert max(told_early) <= EARLY_S
    assert len(told_early) > EARLY_S / 4  # spread, not all at once
    assert Counter() == load.offers.wrong


@pytest.mark.timeout(90)
def test_a_redis_that_hangs_fails_requests_fast_and_is_used_again_soon(
    start_redis: StartRedis,
) -> None:
    redis = start_redis()
    with (
        running_fleet(redis.url, 3) as fleet,
        running_load(ByReadiness(fleet, Random(1)), GENTLE) as load,
    ):
        load.settle(20)
        memory = [each.memory for each in fleet.frontends]
        redis.pause()
        hung_s = time.monotonic()
        load.go_on(HANGS_S)
        grown = [each.memory - before for each, before in zip(fleet.frontends, memory, strict=True)]
        redis.resume()
        resumed_s = time.monotonic()
        load.settle(BACK_WITHIN_S + 5)
    hung = [each for each in load.outcomes if hung_s < each.at_s < resumed_s]
    assert 500 * HANGS_S < len(failed(hung))
    assert FAILS_WITHIN_S >= max(each.took_s for each in hung)
    assert MAX_GROWTH > max(grown)
    assert Counter() == failures(
        each for each in load.outcomes if each.at_s > resumed_s + BACK_WITHIN_S
    )
    assert Counter() == failures(each for each in load.outcomes if each.until_s < hung_s)
    assert Counter() == load.offers.wrong
