"""A terminal that closes ends the commands that run on it, but not those under nohup."""

import asyncio
import re
import signal
import urllib.request

import pytest
from websockets.asyncio.client import connect

from tests.processes.family import children, ending
from tests.redis_servers import RedisServer
from tests.terminal import DEADLINE_S, Terminal
from tests.test_app import signals

ADMIN = ("--admin", "127.0.0.1:0")
SERVE = ("-m", "tracker", "serve", "--port", "0", *ADMIN, "--grace", "0", "--log-json-lines")
READY = rb"(?:^|\n)ready [^\r\n]*\r\n"


def ports(terminal: Terminal) -> dict[str, int]:
    """Return the ports of the ready line, once it is there."""
    (line,) = re.findall(READY, terminal.read_until(READY))
    return {name.decode(): int(port) for name, port in re.findall(rb"(\w+)=(\d+)", line)}


@pytest.mark.parametrize("processes", [1, 2])
async def test_serve_drains_and_leaves_nothing_behind(processes: int) -> None:
    with Terminal(*SERVE, "--processes", str(processes)) as terminal:
        url = f"ws://127.0.0.1:{ports(terminal)['ws']}"
        family = [kin.pid for kin in children(terminal.process.pid)]
        assert (1 if processes == 1 else 1 + processes) == len(family)  # Redis, those that serve
        async with asyncio.timeout(DEADLINE_S), connect(url, proxy=None) as browser:
            with ending(*family):
                terminal.close()
                await browser.wait_closed()
                assert 0 == await asyncio.to_thread(terminal.process.wait, DEADLINE_S)
        assert 1001 == browser.close_code


@pytest.mark.parametrize("command", ["workers", "forward"])
def test_workers_and_forwarders_end_cleanly(command: str, redis_server: RedisServer) -> None:
    flags = {
        "workers": ("--redis", redis_server.url),
        "forward": ("--port", "0", "--to", "127.0.0.1:1"),
    }
    with Terminal("-m", "tracker", command, *ADMIN, *flags[command]) as terminal:
        ports(terminal)
        terminal.close()
        assert 0 == terminal.process.wait(DEADLINE_S)


def test_signals_that_are_ignored_from_the_start_stay_ignored(redis_server: RedisServer) -> None:
    ignored = (signal.SIGHUP, signal.SIGINT)
    with Terminal(*SERVE, "--redis", redis_server.url, ignored=ignored) as terminal:
        admin = ports(terminal)["admin"]
        terminal.close()
        terminal.process.send_signal(signal.SIGINT)
        with urllib.request.urlopen(f"http://127.0.0.1:{admin}/ready", timeout=DEADLINE_S) as ready:
            assert 200 == ready.status
        pid = terminal.process.pid
        assert {*ignored} <= signals(pid, "SigIgn") - signals(pid, "SigCgt")
        terminal.process.terminate()
        assert 0 == terminal.process.wait(DEADLINE_S)
