"""All that real processes log and print while Redis cannot be used: one line, and no traceback."""

import re
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

import pytest
from redis import Redis

from tests.redis_clusters import until
from tests.redis_servers import RedisServer, StartRedis, TlsFiles, executable
from tests.redis_trouble import Lab, Trouble, each_of, named
from tests.tracker_process import TrackerProcess, running_tracker

# Each way of failing that the event loop, TLS or redis-py has of its own.
FAMILIES: Final = named(
    *("refused", "unknown_name", "frozen", "another_protocol", "wrong_password"),
    *("plain_to_tls", "tls_to_plain", "tls_to_another_protocol", "unknown_authority"),
    *("no_sentinel", "no_node", "few_slots"),
)
ATTEMPTS = 5  # of jobs that find Redis away
QUICK = ("--workers-lease", "1", "--cluster-heartbeat", "1")


class Line(NamedTuple):
    """A line of the log."""

    level: str
    event: str
    facts: str = ""


def logged(tracker: TrackerProcess, *, least: str = "warning") -> list[Line]:
    """The lines of the log from that level on, without the one about the tests' own Redis."""
    found = [Line(*text.split(" ", 3)[1:]) for text in tracker.stderr.splitlines()]
    levels = ("info", "warning", "error", "critical")
    loud = levels[levels.index(least) :]
    return [line for line in found if line.level in loud and line.event != "redis.eviction"]


def attempts(tracker: TrackerProcess) -> float:
    """How often a job of any process found Redis away."""
    with urllib.request.urlopen(f"{tracker.admin_url}/metrics", timeout=10) as reply:
        text = reply.read().decode()
    found = re.findall(r'^tracker_store_errors_total\{.*kind="away".*\} (\S+)$', text, re.MULTILINE)
    return sum(map(float, found))


@pytest.fixture
def lab(start_redis: StartRedis, tls_files: TlsFiles, tmp_path: Path) -> Lab:
    return Lab(start_redis, tls_files, tmp_path)


def check_start(trouble: Trouble, lab: Lab, processes: int, command: str, *flags: str) -> None:
    """Start without Redis; each process writes one line, and the jobs none."""
    with trouble.arranged(lab) as url:
        with running_tracker("--redis", url, *QUICK, *flags, command=command) as tracker:
            assert "away" == tracker.redis
            until(lambda: attempts(tracker) >= ATTEMPTS)
            until(lambda: len(logged(tracker)) >= processes)
        lines = logged(tracker)
    assert ["redis.away"] * processes == [line.event for line in lines]
    assert 1 == len({line.facts for line in lines})
    assert trouble.text in lines[0].facts
    assert trouble.hint in lines[0].facts
    assert "never retrieved" not in tracker.stderr


@each_of(FAMILIES)
def test_a_tracker_starts_and_writes_one_line(trouble: Trouble, lab: Lab) -> None:
    check_start(trouble, lab, 1, "serve", "--with-workers")


@each_of(named("refused", "wrong_password", "tls_to_plain"))
def test_workers_start_and_write_one_line(trouble: Trouble, lab: Lab) -> None:
    check_start(trouble, lab, 1, "workers")


@each_of(named("refused", "wrong_password"))
def test_each_of_several_processes_writes_one_line(trouble: Trouble, lab: Lab) -> None:
    check_start(trouble, lab, 3, "serve", "--processes", "2", "--with-workers")


# -- later -----------------------------------------------------------------------------------------


def demand_password(server: RedisServer) -> None:
    with server.client() as client:
        client.config_set("requirepass", "another")
        client.client_kill_filter(_type="normal", skipme=True)


def waive_password(server: RedisServer) -> None:
    with Redis(port=server.port, password="another") as client:
        client.config_set("requirepass", "")


def demote(server: RedisServer) -> None:
    with server.client() as client:
        client.replicaof("127.0.0.1", "1")


def promote(server: RedisServer) -> None:
    with server.client() as client:
        client.replicaof("NO", "ONE")


class Outage(NamedTuple):
    """A way to make a server unusable, and the way back."""

    begin: Callable[[RedisServer], None]
    end: Callable[[RedisServer], None]
    reason: str


OUTAGES = {
    "killed": Outage(RedisServer.kill, RedisServer.start, "connection refused"),
    "frozen": Outage(RedisServer.pause, RedisServer.resume, "no answer in time"),
    "password": Outage(demand_password, waive_password, "NOAUTH"),
    "demoted": Outage(demote, promote, "it is a replica"),
}


@pytest.mark.parametrize("outage", OUTAGES.values(), ids=OUTAGES)
def test_an_outage_is_one_line_and_its_end_another(outage: Outage, start_redis: StartRedis) -> None:
    server = start_redis(tcp=True)
    flags = ("--redis", server.url, "--with-workers", "--log-level", "debug", *QUICK)
    with running_tracker(*flags) as tracker:
        assert "up" == tracker.redis
        until(lambda: "lease.taken" in tracker.stderr)
        before = len(logged(tracker, least="info"))
        outage.begin(server)
        until(lambda: "redis.away" in tracker.stderr)
        until(lambda: attempts(tracker) >= ATTEMPTS)
        during = logged(tracker)
        outage.end(server)
        until(lambda: "after_s=" in tracker.stderr)
    (away,) = during
    assert ("redis.away", True) == (away.event, outage.reason in away.facts)
    assert away.facts.startswith(f"address=127.0.0.1:{server.port} ")
    over = [line for line in logged(tracker, least="info")[before:] if "after_s" in line.facts]
    assert ["redis.up"] == [line.event for line in over]
    assert "never retrieved" not in tracker.stderr


def test_another_reason_is_logged_soon(start_redis: StartRedis, tmp_path: Path) -> None:
    server = start_redis(tcp=True)
    with running_tracker("--redis", server.url, "--with-workers") as tracker:
        server.kill()
        until(lambda: "connection refused" in tracker.stderr)
        other = RedisServer(executable("debian"), tmp_path, port=server.port, password="another")
        until(lambda: "NOAUTH" in tracker.stderr)
        other.kill()
        lines = logged(tracker)
    assert ["redis.away"] * 2 == [line.event for line in lines]
