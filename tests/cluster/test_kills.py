"""Frontends that die, and frontends that are replaced, while clients come as ever."""

import time
from collections import Counter
from random import Random

import pytest

from tests.cluster.balancer import ByReadiness
from tests.cluster.fleet import Fleet, running_fleet
from tests.cluster.load import running_load
from tests.cluster.records import failures
from tests.redis_servers import StartRedis

BACK_WITHIN_S = 30.0  # browsers, after their frontend went


@pytest.mark.timeout(90)
def test_a_killed_frontend_is_missed_only_by_who_asked_it(fleet: Fleet) -> None:
    with running_load(ByReadiness(fleet, Random(1))) as load:
        load.settle(20)
        dead = fleet.frontends[0]
        orphans = [each for each in load.browsers if each.frontend is dead]
        assert orphans
        fleet.kill(dead)
        load.until(lambda: all(each.absences for each in orphans), BACK_WITHIN_S)
        back_s = max(each.absences[-1].until_s for each in orphans)
        load.settle(15)  # nobody counts those any more whom the dead one left behind
        load.go_on(3)
    assert Counter() == failures(each for each in load.outcomes if each.frontend != dead.name)
    moves = {(absence.left, absence.joined) for each in orphans for absence in each.absences}
    assert {(dead.name, each.name) for each in fleet.frontends if each is not dead} == moves
    offered = {each.taker for each in load.offers.deliveries if each.at_s > back_s}
    assert {each.peer_id for each in orphans} <= offered
    assert Counter() == load.offers.wrong


@pytest.mark.timeout(90)
def test_all_frontends_are_replaced_and_no_request_over_http_or_udp_fails(
    start_redis: StartRedis,
) -> None:
    grace = ("--drain", "6", "--grace", "4")  # in which a busy balancer looks more than once
    with (
        running_fleet(start_redis().url, 3, *grace) as fleet,
        running_load(ByReadiness(fleet, Random(1))) as load,
    ):
        load.settle(20)
        since_s = time.monotonic()
        for frontend in fleet.frontends:
            fleet.replace(frontend)
        names = [each.name for each in fleet.frontends]
        load.until(lambda: all(each.on(names) for each in load.browsers), BACK_WITHIN_S)
        load.settle(15)
    assert Counter() == failures(each for each in load.outcomes if each.protocol != "ws")
    away_s = [absence.took_s for each in load.browsers for absence in each.absences]
    assert len(load.browsers) <= len(away_s)
    assert max(away_s) < BACK_WITHIN_S
    assert ([], Counter()) == (load.offers.lost(since_s), load.offers.wrong)
