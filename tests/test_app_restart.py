"""One tracker on one machine: what its clients find again after a restart."""

import os
import signal
import time
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from tests.frontends.clients import HASH, SCRAPE, browser_id, counts, decoded, query, text, udp_peer
from tests.hostile.browsers import browser, join, next_with, offer
from tests.nodes import until
from tests.processes.family import serving
from tests.tracker_process import TrackerProcess, running_tracker
from tracker.settings import AnnounceSettings

SOURCE = "127.0.0.1"
SETTINGS = AnnounceSettings()
LEAST_S = SETTINGS.interval * (1 - SETTINGS.interval_jitter)  # of an interval that is not early
EARLY_S = SETTINGS.interval / 10
TTL_S = 3
SHORT = ("--announce-interval", "2", "--announce-min-interval", "1")


@pytest.fixture
def keep(tmp_path: Path) -> tuple[str, ...]:
    """Flags of a tracker whose data survive."""
    return "--keep", "--redis-embedded-dir", str(tmp_path / "state")


def announced(tracker: TrackerProcess, number: int, **changed: str | int) -> dict[bytes, Any]:
    """Announce one of several peers of a swarm over HTTP."""
    peer_id, port = browser_id(number), 6000 + number
    with urlopen(f"{tracker.http_url}?{query(peer_id=peer_id, port=port, **changed)}") as reply:
        return decoded(reply.read())


def scraped(tracker: TrackerProcess) -> dict[bytes, Any]:
    """What an HTTP scrape says of the swarm."""
    with urlopen(tracker.http_url.replace("/announce", SCRAPE)) as reply:
        swarm: dict[bytes, Any] = decoded(reply.read())[b"files"][HASH]
    return swarm


async def test_peers_counts_and_connection_ids_survive_a_restart(keep: tuple[str, ...]) -> None:
    with running_tracker(*keep) as tracker:
        announced(tracker, 1)
        announced(tracker, 2)
        announced(tracker, 2, event="completed", left=0)
        announced(tracker, 3)
        async with udp_peer(tracker.ports["udp"]) as peer:
            connection_id = await peer.connect()
            await peer.announce(connection_id, port=6004)
    assert "embedded_redis.saved" in tracker.stderr

    with running_tracker(*keep) as tracker:
        async with udp_peer(tracker.ports["udp"]) as peer:
            # With the connection id that the tracker gave before the restart.
            reply = await peer.announce(connection_id, port=6005)
        assert (1, 4) == (reply.seeders, reply.leechers)
        assert {6001, 6002, 6003, 6004} == {int.from_bytes(each[-2:]) for each in reply.peers}
        assert reply.interval_s >= LEAST_S  # nothing was lost

        http = announced(tracker, 6)
        assert (1, 5) == (http[b"complete"], http[b"incomplete"])
        assert http[b"interval"] >= LEAST_S
        assert {b"complete": 1, b"incomplete": 5, b"downloaded": 1} == scraped(tracker)


async def test_after_a_kill_peers_are_asked_to_return_early(keep: tuple[str, ...]) -> None:
    killed = TrackerProcess().start(*keep)
    assert announced(killed, 1)[b"interval"] >= LEAST_S
    killed.kill()
    with running_tracker(*keep) as tracker:
        reply = announced(tracker, 2)
        assert 1 == reply[b"incomplete"]
        assert reply[b"interval"] <= EARLY_S


def test_nothing_is_kept_where_that_is_not_wanted(keep: tuple[str, ...], tmp_path: Path) -> None:
    with running_tracker(*keep, "--no-keep") as tracker:
        announced(tracker, 1)
    assert [] == [*tmp_path.iterdir()]


async def test_peers_that_expire_while_it_is_stopped_are_neither_returned_nor_counted(
    keep: tuple[str, ...],
) -> None:
    dies, lives = (str(number) for number in (TTL_S, TTL_S + 1000))
    with running_tracker(*keep, "--announce-peer-ttl", dies, *SHORT) as tracker:
        announced(tracker, 2)
        expired_at = time.time() + TTL_S + 1
    with running_tracker(*keep, "--announce-peer-ttl", lives, *SHORT) as tracker:
        announced(tracker, 1)
    await until(lambda: time.time() > expired_at)
    with running_tracker(*keep, *SHORT) as tracker:
        reply = announced(tracker, 3)
        assert 2 == reply[b"incomplete"]
        assert {6001} == {int.from_bytes(reply[b"peers"][-2:])}
        assert 6 == len(reply[b"peers"])


def test_a_second_tracker_with_the_same_directory_serves_and_keeps_nothing(
    keep: tuple[str, ...],
) -> None:
    with running_tracker(*keep) as first:
        announced(first, 1)
        with running_tracker(*keep) as second:
            assert 1 == announced(second, 2)[b"incomplete"]
        assert "embedded_redis.not_kept" in second.stderr
        assert "embedded_redis.saved" not in second.stderr
    with running_tracker(*keep) as again:
        assert 2 == announced(again, 3)[b"incomplete"]


def test_a_directory_that_cannot_be_used_is_no_reason_not_to_serve() -> None:
    with running_tracker("--keep", "--redis-embedded-dir", "/proc/tracker") as tracker:
        announced(tracker, 1)
    assert " info embedded_redis.not_kept directory=/proc/tracker " in tracker.stderr


async def test_offers_do_not_go_to_browsers_of_the_tracker_before(keep: tuple[str, ...]) -> None:
    """Its processes were killed, so the browsers are still in the data that it saved."""
    with running_tracker(*keep, "--processes", "2") as tracker:
        port = tracker.ports["ws"]
        async with (
            browser(port, SOURCE, browser_id(1)) as one,
            browser(port, SOURCE, browser_id(2)) as two,
        ):
            await join(one, HASH)
            await join(two, HASH)
            for child in serving(tracker.pid):
                os.kill(child, signal.SIGKILL)
            await one.closed()
            await two.closed()

    with running_tracker(*keep) as tracker:
        port = tracker.ports["ws"]
        async with (
            browser(port, SOURCE, browser_id(3)) as here,
            browser(port, SOURCE, browser_id(4)) as there,
        ):
            assert counts(0, 2) == (await here.scrape())[text(HASH)]  # those of the tracker before
            await join(here, HASH)
            for number in range(10):
                [offer_id] = await offer(there, HASH, number)
                assert offer_id == (await next_with(here, "offer"))["offer_id"]
