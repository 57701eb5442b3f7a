"""A primary of Redis is killed, and another takes its place, while clients come as ever."""

import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from tests.cluster.balancer import ByReadiness
from tests.cluster.fleet import running_fleet
from tests.cluster.load import running_load
from tests.cluster.records import SILENCE, failed, longest_gap_s
from tests.redis_clusters import RedisCluster, sentinel_group
from tests.redis_servers import StartRedis

INTERVAL_S = 4.0
SHORT = (
    *("--announce-interval", f"{INTERVAL_S:.0f}", "--announce-min-interval", "1"),
    *("--announce-peer-ttl", "60", "--udp-connection-lifetime", "60"),
)
CLUSTER_GAP_S = 8.0
SENTINEL_GAP_S = 6.0


def survives(redis_url: str, kill: Callable[[], None], gap_s: float) -> None:
    """All is as before in time, and stays so."""
    with (
        running_fleet(redis_url, 3, *SHORT) as fleet,
        running_load(ByReadiness(fleet, Random(1))) as load,
    ):
        load.settle(20)
        killed_s = time.monotonic()
        kill()
        load.settle(gap_s + INTERVAL_S)
        load.calm(gap_s)  # on each frontend
        load.go_on(INTERVAL_S)
    trouble = failed(load.outcomes)
    assert trouble
    assert killed_s < min(each.until_s for each in trouble)
    assert gap_s >= longest_gap_s(load.outcomes)
    assert SILENCE not in {each.failure for each in trouble}
    over_s = max(each.until_s for each in trouble)
    assert {True} == {each.whole for each in load.outcomes if each.at_s > over_s + INTERVAL_S}
    after = [each for each in load.offers.deliveries if each.at_s > over_s]
    assert {each.name for each in fleet.frontends} == {each.left for each in after}
    assert any(each.left != each.joined for each in after)
    assert Counter() == load.offers.wrong


@pytest.mark.timeout(90)
def test_a_redis_cluster_loses_a_primary(start_redis: StartRedis) -> None:
    cluster = RedisCluster(start_redis, primaries=3, replicas=1)
    survives(cluster.url, cluster.owner(0).kill, CLUSTER_GAP_S)


@pytest.mark.timeout(90)
def test_sentinels_lose_their_primary(start_redis: StartRedis, tmp_path: Path) -> None:
    with sentinel_group(start_redis, tmp_path) as group:
        survives(group.url, group.primary().kill, SENTINEL_GAP_S)
