"""`docker compose up`, and all that may happen to it while clients are there."""

import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.cluster.load import Load, running_load
from tests.cluster.records import CLOSED, failures
from tests.deploy.conftest import CLIENTS6, HOST6
from tests.deploy.images import NEXT_IMAGE, UNREADY_IMAGE
from tests.deploy.stack import PATIENT, Container, Stack

BACK_WITHIN_S = 30.0

pytestmark = pytest.mark.timeout(400)  # the images, for the first test


@pytest.fixture
def load(stack: Stack) -> Iterator[Load]:
    """Clients of all protocols; at the end all were served, and each browser came back."""
    stack.up()
    with running_load(stack.balancer, PATIENT, at=stack.clients) as load:
        load.settle(30)
        yield load
        load.settle(30)
    # A browser whose frontend leaves may have asked just then; it comes back, and asks again.
    assert Counter() == failures(each for each in load.outcomes if each.failure != CLOSED)
    absences = [each.took_s for browser in load.browsers for each in browser.absences]
    assert BACK_WITHIN_S >= max(absences, default=0)
    assert all(browser.on([stack.balancer.name]) for browser in load.browsers)
    assert Counter() == load.offers.wrong


def used(stack: Stack, container: Container) -> bool:
    """Whether this frontend has answered anybody."""
    metrics = stack.ask(container, "/metrics").splitlines()
    answered = [line for line in metrics if line.startswith("tracker_requests_total")]
    return any(float(line.rpartition(" ")[2]) for line in answered if '"announce"' in line)


def test_clients_of_all_protocols_are_in_one_swarm_by_their_own_addresses(stack: Stack) -> None:
    at, to = stack.clients, stack.host.ip
    over_http = stack.announce("http", at=at, to=to)
    assert at.ip == over_http["external_ip"]
    over_udp = stack.announce("udp", at=stack.host, to=to)
    assert [at.ip] == [peer["host"] for peer in over_udp["peers"]]
    again = stack.announce("udp", at=at, to=to)
    # The host itself is seen by the address of the engine's bridge.
    assert 1 == len(again["peers"])
    assert at.ip not in {peer["host"] for peer in again["peers"]}
    over_ws = stack.announce("ws", at=at, to=to)
    assert 1 == over_ws["leechers"]


def test_addresses_are_kept_over_ipv6_too(stack: Stack) -> None:
    over_http = stack.announce("http", at=stack.clients, to=f"[{HOST6}]")
    assert CLIENTS6 == over_http["external_ip"]
    over_udp = stack.announce("udp", at=stack.host, to=f"[{HOST6}]")
    assert CLIENTS6 in {peer["host"] for peer in over_udp["peers"]}


def test_frontends_are_added_and_taken_away_under_load(stack: Stack, load: Load) -> None:
    stack.up(http=4, udp=4)
    frontends = stack.containers("http", "udp")
    assert Counter(http=4, udp=4) == Counter(each.service for each in frontends)
    load.until(lambda: all(used(stack, each) for each in frontends), 20)
    stack.up(http=1, udp=1)
    load.calm(30)


def test_a_frontend_that_crashes_is_not_noticed_and_comes_back(stack: Stack, load: Load) -> None:
    victims = [stack.containers(service)[0] for service in ("http", "udp")]
    for victim in victims:
        stack.crash(victim)
    names = {each.name for each in victims}

    def back() -> bool:
        again = [each for each in stack.containers("http", "udp") if each.name in names]
        old = {each.pid for each in victims}
        return len(again) == len(names) and not old.intersection(each.pid for each in again)

    load.until(back, 20)
    load.go_on(5)


def test_another_image_under_load_and_back(stack: Stack, load: Load) -> None:
    before = {each.name: each for each in stack.containers("http", "udp", "workers")}
    for image in (NEXT_IMAGE, next(iter(before.values())).image):
        stack.up(image)
        after = {each.name: each for each in stack.containers("http", "udp", "workers")}
        assert {image} == {each.image for each in after.values()}
        assert not {each.pid for each in before.values()} & {each.pid for each in after.values()}
        load.calm(30)
        before = after


def test_an_update_by_the_script_closes_no_socket_of_a_browser(stack: Stack) -> None:
    stack.up()
    old = {each.pid for each in stack.containers("http")}
    image = stack.containers("http")[0].image

    def replaced() -> bool:
        """Return whether all but the old HTTP frontends are new."""
        found = stack.containers("http", "udp", "workers")
        others = [each for each in found if each.pid not in old]
        return 6 == len(others) and {NEXT_IMAGE} == {each.image for each in others}

    with ThreadPoolExecutor() as pool:
        with running_load(stack.balancer, PATIENT, at=stack.clients) as load:
            load.settle(30)
            since_s = time.monotonic()
            update = pool.submit(stack.update, NEXT_IMAGE)
            load.until(replaced, 120)
            load.settle(30)
            load.go_on(5)
            first = {each.pid for each in stack.containers("http")} - old
            again = pool.submit(stack.update, image)  # while the first one waits
            load.until(lambda: len(stack.containers("http")) == 6, 120)
            load.settle(30)
            load.go_on(5)
            assert not update.done()
            assert old | first <= {each.pid for each in stack.containers("http")}
            assert [] == [each for browser in load.browsers for each in browser.absences]
        for each in update, again:
            assert "waiting until the last browsers have left" in each.result()
    found = stack.containers("http", "udp", "workers")
    assert (6, {image}) == (len(found), {each.image for each in found})
    assert not (old | first) & {each.pid for each in found}
    assert Counter() == failures(load.outcomes)
    assert ([], Counter()) == (load.offers.lost(since_s), load.offers.wrong)


def test_an_update_to_an_image_that_never_becomes_ready_changes_nothing(
    stack: Stack, load: Load
) -> None:
    before = {each.pid for each in stack.containers()}
    with ThreadPoolExecutor() as pool:
        update = pool.submit(stack.update, UNREADY_IMAGE)
        load.until(lambda: UNREADY_IMAGE in {each.image for each in stack.containers("http")}, 60)
        load.until(update.done, 120)
        with pytest.raises(AssertionError) as failure:
            update.result()
    assert "exited 1" in str(failure.value)
    assert "not updated: the new HTTP frontends do not become ready" in str(failure.value)
    assert "redis.away" in str(failure.value)  # from their log
    assert before == {each.pid for each in stack.containers()}
    assert [] == [each for browser in load.browsers for each in browser.absences]


def test_an_update_replaces_a_container_that_was_stopped_too(stack: Stack) -> None:
    stack.up()
    one, other = stack.containers("http")
    stack.engine.docker("stop", one.name)
    assert "updated" in stack.update(NEXT_IMAGE)
    assert [NEXT_IMAGE] * 2 == [each.image for each in stack.containers("http")]
    assert other.pid not in {each.pid for each in stack.containers("http")}
    stack.up()
