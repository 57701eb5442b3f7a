"""The command as a whole: usage, version, exit codes, quiet ends."""

import signal
import subprocess
import sys
from argparse import Namespace

import pytest

from tests.client.trackers import INFO_HASH
from tracker import __version__
from tracker.cli import main, settings

COMMAND = (sys.executable, "-m", "tracker")


def test_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["--version"])
    assert (0, f"tracker {__version__}\n") == (stop.value.code, capsys.readouterr().out)


@pytest.mark.parametrize(
    "command",
    ["serve", "forward", "announce", "scrape", "torrent", "access", "status", "settings"],
)
def test_each_command_explains_itself(capsys: pytest.CaptureFixture[str], command: str) -> None:
    with pytest.raises(SystemExit) as stop:
        main([command, "--help"])
    assert stop.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: tracker {command} ")


@pytest.mark.parametrize(
    "argv",
    [
        [],
        ["nonsense"],
        ["serve", "--nonsense"],
        ["serve", "--drai", "3"],
        ["announce", "udp://x:1"],
        ["announce", "udp://x:1", "nonsense"],
        ["announce", "udp://x:1", INFO_HASH.hex(), "--port", "65536"],
        ["announce", "udp://x:1", INFO_HASH.hex(), "--left", "-1"],
        ["announce", "udp://x:1", INFO_HASH.hex(), "--peer-id", "short"],
        ["announce", "udp://x:1", INFO_HASH.hex(), "--peer-id", "z" * 40],
        ["announce", "udp://x:1", INFO_HASH.hex(), "--event", "paused"],
        ["announce", "udp://x:1", INFO_HASH.hex(), "--timeout", "0"],
        ["announce", "udp://x:1", INFO_HASH.hex(), "--timeout", "soon"],
        ["announce", "udp://x:1", INFO_HASH.hex(), "--ipv4", "--ipv6"],
        ["scrape", "udp://x:1"],
        ["torrent", "file"],
        ["access"],
        ["access", "deny", "nonsense"],
        ["access", "remove", INFO_HASH.hex()],
        ["access", "clear"],
        ["access", "check"],
        ["settings", "--json", "--toml"],
    ],
    ids=" ".join,
)
def test_wrong_usage_exits_with_2(capsys: pytest.CaptureFixture[str], argv: list[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(argv)
    captured = capsys.readouterr()
    assert (2, "") == (stop.value.code, captured.out)
    assert "error: " in captured.err


def test_a_reader_that_leaves_is_no_reason_to_complain() -> None:
    """``tracker settings | head -0``, with more lines than a pipe that nobody reads takes."""
    with subprocess.Popen(
        [*COMMAND, "settings", "--toml"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 1


def test_an_interrupt_is_quiet(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(_: Namespace) -> int:
        signal.raise_signal(signal.SIGINT)
        return 0

    monkeypatch.setattr(settings, "run", interrupted)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        assert main(["settings"]) == 1
    finally:
        signal.signal(signal.SIGINT, before)
    assert ("", "") == capsys.readouterr()


def test_asking_a_tracker_does_not_load_the_server() -> None:
    program = f"""
import sys
from tracker.cli import main
main(["scrape", "udp://127.0.0.1:1", "{INFO_HASH.hex()}", "--timeout", "0.01"])
print({{"aiohttp", "pydantic", "redis", "structlog", "websockets"}} & sys.modules.keys())
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert done.stdout == b"set()\n"


def test_a_misspelled_flag_has_a_suggestion(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["serve", "--announce-intervall", "900"])
    assert 2 == ended.value.code
    assert capsys.readouterr().err.endswith(
        "unrecognized arguments: --announce-intervall 900 (did you mean --announce-interval?)\n"
    )
