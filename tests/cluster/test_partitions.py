"""Hosts that don't reach each other, while clients reach them all."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random
from typing import NamedTuple

import pytest

from tests.cluster.balancer import Whatever, is_ready
from tests.cluster.fleet import Frontend, running_fleet
from tests.cluster.hosts import Host, cut_off, hosts
from tests.cluster.load import GENTLE, Load, running_load
from tests.cluster.records import failed, failures
from tests.redis_servers import StartRedis

OPEN = ("--bind", "0.0.0.0", "--protected-mode", "no")
CUT_S = 6.0
FAILS_WITHIN_S = 2.0
NOTICED_WITHIN_S = 3.0
HEALED_WITHIN_S = 5.0


class Scene(NamedTuple):
    """Two frontends, a Redis and all clients, each on a host of its own."""

    redis: Host
    clients: Host
    one_host: Host
    other_host: Host
    one: Frontend
    other: Frontend
    load: Load

    def ready(self, frontend: Frontend) -> bool:
        """What its health checks see from the clients' side."""
        with self.clients.inside():
            return asyncio.run(is_ready(frontend))


@contextmanager
def scene(start_redis: StartRedis) -> Iterator[Scene]:
    """The hosts, and a load on both frontends, ready or not."""
    with hosts("redis", "clients", "one", "other") as (redis, clients, one_host, other_host):
        with redis.inside():
            server = start_redis(tcp=True, options=OPEN)
        url = server.url.replace("127.0.0.1", redis.ip)
        with running_fleet(url, 0) as fleet:
            one, other = fleet.add(one_host), fleet.add(other_host)
            balancer = Whatever((one, other), Random(1))
            with running_load(balancer, GENTLE, at=clients) as load:
                load.settle(20)
                yield Scene(redis, clients, one_host, other_host, one, other, load)


@pytest.mark.timeout(90)
def test_a_frontend_cut_off_from_redis_refuses_fast_and_heals_by_itself(
    start_redis: StartRedis,
) -> None:
    with scene(start_redis) as at:
        load = at.load
        with cut_off(at.one_host, at.redis):
            load.until(lambda: not at.ready(at.one), NOTICED_WITHIN_S)
            load.go_on(CUT_S)
            assert at.ready(at.other)
        load.until(lambda: at.ready(at.one), HEALED_WITHIN_S)
        healed = len(load.outcomes)
        load.settle(15)
    assert Counter() == failures(each for each in load.outcomes if each.frontend == at.other.name)
    assert Counter() == failures(load.outcomes[healed:])
    refused = failed(load.outcomes)
    assert {"http", "kept", "udp", "ws"} == {each.protocol for each in refused}
    assert FAILS_WITHIN_S >= max(each.took_s for each in refused)
    assert Counter() == load.offers.wrong


@pytest.mark.timeout(90)
def test_frontends_do_not_need_each_other(start_redis: StartRedis) -> None:
    with scene(start_redis) as at, cut_off(at.one_host, at.other_host):
        cut_s = time.monotonic()
        at.load.go_on(CUT_S)
        assert at.ready(at.one)
        assert at.ready(at.other)
    assert Counter() == failures(at.load.outcomes)
    assert [] == at.load.offers.lost(cut_s)
    assert any(each.left != each.joined for each in at.load.offers.deliveries if each.at_s > cut_s)
    assert Counter() == at.load.offers.wrong
