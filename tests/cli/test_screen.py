"""``tracker status --watch`` on a terminal, as a person sees and ends it."""

import asyncio
import itertools
import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.redis_servers import RedisServer, StartRedis
from tests.terminal import DEADLINE_S, Shown, Terminal, read_until
from tests.tools import MORTAL
from tests.tracker_process import TrackerProcess, running_tracker
from tracker.client import AnnounceRequest, announce
from tracker.model import Event

WATCH = ("-m", "tracker", "status", "--watch")
LEFT = "q quits"
PEERS = 20
HASH = bytes(range(20))


@pytest.fixture
def redis(start_redis: StartRedis) -> RedisServer:
    return start_redis()


@pytest.fixture
def tracker(redis: RedisServer) -> Iterator[TrackerProcess]:
    flags = ("--with-workers", "--workers-statistics-period", "1", "--cluster-heartbeat", "1")
    with running_tracker("--redis", redis.url, *flags) as tracker:
        yield tracker


def watching(
    redis: RedisServer,
    size: tuple[int, int] = (80, 24),
    environment: Mapping[str, str] | None = None,
) -> Terminal:
    return Terminal(*WATCH, "--redis", redis.url, size=size, environment=environment)


def is_whole(shown: Shown) -> bool:
    """Whether the last line is there, and the one with what background jobs count."""
    return shown.alternate and shown.lines[-1].startswith(LEFT) and "IPv4 " in shown


async def announce_for(seconds: float, url: str) -> None:
    """Announce `PEERS` peers of one swarm again and again."""
    end_s = asyncio.get_running_loop().time() + seconds
    for at in itertools.count():
        request = AnnounceRequest(
            info_hash=HASH, peer_id=bytes(20), port=1000 + at % PEERS, left=1, event=Event.NONE
        )
        await announce(url, request, DEADLINE_S)
        if at >= PEERS and asyncio.get_running_loop().time() > end_s:
            return


def test_it_fits_80_columns_by_24_lines(redis: RedisServer, tracker: TrackerProcess) -> None:
    with watching(redis) as terminal:
        shown = terminal.see(is_whole)
        first, second, empty, heading, frontend, *_ = shown.lines
        assert re.match(r"1 frontend · 0 peers · 0 swarms · \d+\.\d announces/s$", first)
        assert second.startswith("HTTP ")
        assert "" == empty
        assert heading.startswith("frontend ")
        assert [os.uname().nodename, "0.0"] == frontend.split()[:2]
        assert any(line.startswith("Redis ") for line in shown.lines)
        assert re.search(r"\d\d:\d\d:\d\d$", shown.lines[-1])


def test_a_larger_terminal_shows_more(redis: RedisServer, tracker: TrackerProcess) -> None:
    asyncio.run(announce_for(1.0, tracker.udp_url))
    with watching(redis, (160, 45)) as terminal:
        shown = terminal.see(lambda shown: is_whole(shown) and "largest swarms" in shown)
        assert f"http={tracker.ports['http']}" in shown
        assert HASH.hex() in shown


def test_announces_move_the_numbers(redis: RedisServer, tracker: TrackerProcess) -> None:
    with watching(redis) as terminal, ThreadPoolExecutor() as threads:
        terminal.see(is_whole)
        announcing = threads.submit(asyncio.run, announce_for(5.0, tracker.udp_url))
        terminal.see(lambda shown: re.search(r"UDP (?!0\.0)[\d,.]+/s", shown.lines[1]))
        announcing.result()
        numbers = f"1 frontend · {PEERS} peers · 1 swarm · 0.0 announces/s"
        terminal.see(lambda shown: numbers == shown.lines[0])


END: dict[str, Callable[[Terminal], None]] = {
    "q": lambda terminal: terminal.type("q"),
    "ctrl-c": lambda terminal: terminal.type("\x03"),
    "sigterm": lambda terminal: terminal.process.terminate(),
    "sighup": lambda terminal: terminal.process.send_signal(signal.SIGHUP),
}


@pytest.mark.parametrize("end", END.values(), ids=END)
def test_it_gives_the_terminal_back(redis: RedisServer, end: Callable[[Terminal], None]) -> None:
    with watching(redis) as terminal:
        before = terminal.modes
        shown = terminal.see(lambda shown: shown.lines[-1].startswith(LEFT))
        assert before != terminal.modes
        end(terminal)
        assert 0 == terminal.ended()
        assert before == terminal.modes
        assert not shown.alternate
        assert "\x1b[?25h" == shown.controls[-2]
        assert "" == str(shown).strip()


def test_a_defect_gives_the_terminal_back(redis: RedisServer) -> None:
    code = f"""if 1:
        import sys
        from tracker.cli import main, status
        board = status.board
        def broken(overview, *size):
            if size[0] == 81:
                raise RuntimeError("a defect")
            return board(overview, *size)
        status.board = broken
        sys.exit(main(["status", "--watch", "--redis", {redis.url!r}]))
    """
    with Terminal("-c", code) as terminal:
        before = terminal.modes
        terminal.see(lambda shown: shown.lines[-1].startswith(LEFT))
        terminal.resize(81, 24)
        assert 1 == terminal.ended()
        assert before == terminal.modes
        assert not terminal.shown.alternate
        assert "RuntimeError: a defect" in terminal.shown


def test_closing_the_terminal_ends_it(redis: RedisServer) -> None:
    with watching(redis) as terminal:
        terminal.see(lambda shown: shown.lines[-1].startswith(LEFT))
        terminal.close()
        assert 0 == terminal.process.wait(DEADLINE_S)


def test_it_follows_the_size_of_the_terminal(redis: RedisServer) -> None:
    with watching(redis) as terminal:
        terminal.see(lambda shown: shown.lines[23].startswith(LEFT))
        terminal.resize(160, 45)
        terminal.see(lambda shown: shown.lines[44].startswith(LEFT))
        terminal.resize(40, 10)
        terminal.see(lambda shown: shown.lines[9].startswith(LEFT))
        terminal.resize(3, 1)
        terminal.see(lambda shown: shown.lines[0])
        terminal.resize(80, 24)
        terminal.see(lambda shown: shown.lines[23].startswith(LEFT))


def test_ctrl_z_suspends_it_and_gives_the_terminal_back_meanwhile(
    redis: RedisServer,
) -> None:
    with watching(redis) as terminal:
        before = terminal.modes
        terminal.see(lambda shown: shown.lines[-1].startswith(LEFT))
        # A key would be ignored: no shell has put the program into a group of its own.
        terminal.process.send_signal(signal.SIGTSTP)
        terminal.see(lambda shown: not shown.alternate)
        os.waitid(os.P_PID, terminal.process.pid, os.WSTOPPED)
        assert before == terminal.modes
        terminal.process.send_signal(signal.SIGCONT)
        terminal.see(lambda shown: shown.lines[-1].startswith(LEFT))
        assert before != terminal.modes


def test_an_outage_of_redis_is_shown_and_its_end(redis: RedisServer) -> None:
    with watching(redis) as terminal:
        terminal.see(lambda shown: "master" in shown)
        redis.kill()
        shown = terminal.see(lambda shown: "! cannot use Redis at " in shown)
        # What was seen last stays; the server may have died in the middle of a look.
        assert "master" in shown or "no answer" in shown
        redis.start()
        terminal.see(lambda shown: "! cannot use Redis at " not in shown and "master" in shown)


@pytest.mark.parametrize(("environment", "colours"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_what_is_wrong_is_red_unless_the_user_wants_no_colours(
    redis: RedisServer, environment: dict[str, str], colours: bool
) -> None:
    with watching(redis, environment=environment) as terminal:
        shown = terminal.see(lambda shown: "! No background job" in shown)
        assert colours == any(re.search(r"\b31m", control) for control in shown.controls)


def test_a_terminal_without_controls_gets_one_overview_after_the_other(
    redis: RedisServer,
) -> None:
    with watching(redis, environment={"TERM": "dumb"}) as terminal:
        terminal.see(lambda shown: str(shown).count("0 frontends") > 1)
        terminal.type("\x03")
        assert 0 == terminal.ended()
        assert [] == terminal.shown.controls


def test_without_keys_ctrl_c_ends_it(redis: RedisServer) -> None:
    ours, theirs = pty.openpty()
    command = [*MORTAL, sys.executable, *WATCH, "--redis", redis.url]
    environment = {"PATH": os.environ["PATH"], "TERM": "xterm", "PYTHONPATH": os.getcwd()}
    try:
        with subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=theirs, env=environment
        ) as process:
            read_until(ours, rb"\x1b\[\?1049h.*Ctrl-C quits")
            process.send_signal(signal.SIGINT)
            read_until(ours, rb"\x1b\[\?1049l")
            assert 0 == process.wait(DEADLINE_S)
    finally:
        os.close(ours)
        os.close(theirs)
