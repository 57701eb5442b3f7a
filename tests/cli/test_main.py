"""The command as a whole: exit codes and quiet ends."""

import signal
import subprocess
import sys
from argparse import Namespace

import pytest

from tests.client.trackers import INFO_HASH
from tracker.cli import main, settings

COMMAND = (sys.executable, "-m", "tracker")


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
