"""Which tracker on this machine a command is about."""

import os
import re
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tracker.cli.here import chosen
from tracker.local import LocalTracker, listed

pytestmark = pytest.mark.usefixtures("runtime_directory")


def tracker(pid: int, port: int, redis: str = "") -> LocalTracker:
    ports = {"http": port, "ws": port, "udp": port + 1}
    url = redis or f"unix:///run/{pid}.sock"
    return LocalTracker(pid, int(time.time()) - 60, url, not redis, ports, f"127.0.0.1:{pid}", [])


ONE, TWO = tracker(1, 8000), tracker(2, 9000, "redis://:secret@store:6379")


@pytest.fixture
def running() -> Iterator[ExitStack]:
    """Enter trackers into it."""
    with ExitStack() as stack:
        yield stack


def run(stack: ExitStack, *trackers: LocalTracker) -> None:
    for each in trackers:
        stack.enter_context(listed(each, os.environ))


def redis_of(tracker: LocalTracker) -> object:
    return tracker.redis


def test_no_tracker_is_no_problem(capsys: pytest.CaptureFixture[str]) -> None:
    assert (None, True) == chosen(None, redis_of)
    assert ("", "") == capsys.readouterr()


def test_the_only_one_is_chosen(running: ExitStack) -> None:
    run(running, ONE)
    assert (ONE, True) == chosen(None, redis_of)


def test_several_are_listed_with_the_flag_that_chooses(
    running: ExitStack, capsys: pytest.CaptureFixture[str]
) -> None:
    run(running, ONE, TWO)
    assert (None, False) == chosen(None, redis_of)
    text = re.sub(r"  up [\d ms]+  ", "  ", capsys.readouterr().err)
    assert [
        "tracker: 2 trackers run on this machine: choose one with --port",
        "  --port 8000  pid 1  http,ws=8000 udp=8001  its own Redis",
        "  --port 9000  pid 2  http,ws=9000 udp=9001  redis://store:6379",
    ] == text.splitlines()


@pytest.mark.parametrize("port", [9000, 9001, 2])
def test_any_port_of_a_tracker_chooses_it(running: ExitStack, port: int) -> None:
    run(running, ONE, TWO)
    assert (TWO, True) == chosen(port, redis_of)


def test_several_with_the_same_redis_are_one_choice(running: ExitStack) -> None:
    same = tracker(3, 7000, "redis://store"), tracker(4, 6000, "redis://store")
    run(running, *same)
    found, clear = chosen(None, redis_of)
    assert clear
    assert found in same
    assert (None, False) == chosen(None, lambda each: each.admin)


def test_a_port_that_none_has_lists_all(
    running: ExitStack, capsys: pytest.CaptureFixture[str]
) -> None:
    run(running, ONE)
    assert (None, False) == chosen(1234, redis_of)
    problem, line = capsys.readouterr().err.splitlines()
    assert "tracker: no tracker of this user on this machine has port 1234" == problem
    assert line.startswith("  --port 8000 ")


def test_a_tracker_that_shares_ports_is_chosen_by_another_one(
    running: ExitStack, capsys: pytest.CaptureFixture[str]
) -> None:
    run(running, ONE, ONE._replace(pid=5, admin="127.0.0.1:5", redis="unix:///run/5.sock"))
    assert (None, False) == chosen(8000, redis_of)
    lines = capsys.readouterr().err.splitlines()[1:]
    assert [["--port", "1"], ["--port", "5"]] == [line.split()[:2] for line in lines]
