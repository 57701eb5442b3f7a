import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

DEADLINE_S = 10.0

# Tells its process id, then stays; the second one does not obey.
STAYS = "echo $$; exec sleep 60"
STUBBORN = "trap '' TERM; echo $$; while :; do sleep 1; done"


class Child:
    """The launcher, running a shell that tells its process id."""

    def __init__(self, *mode: str, shell: str) -> None:
        command = [sys.executable, "-m", "tracker.embedded.child", *mode, "/bin/sh", "-c", shell]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
        )
        assert self.process.stdout is not None
        self.told = int(self.process.stdout.readline())

    def end(self) -> None:
        with self.process:
            self.process.kill()


@pytest.fixture(params=[STAYS, STUBBORN], ids=["obeys", "stubborn"])
def supervised(request: pytest.FixtureRequest) -> Iterator[Child]:
    child = Child("pipe", shell=request.param)
    yield child
    child.end()


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "tracker.embedded.child", *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=DEADLINE_S, input="", check=False
    )


def test_it_becomes_the_program() -> None:
    child = Child("exec", str(os.getpid()), shell=STAYS)
    assert child.process.pid == child.told
    child.end()


def test_it_starts_nothing_when_its_parent_is_gone() -> None:
    ended = run("exec", "1", "/bin/echo", "started")
    assert (1, "") == (ended.returncode, ended.stdout)
    assert "the parent is gone" in ended.stderr


def test_the_program_leaves_no_core() -> None:
    assert "0\n" == run("exec", str(os.getpid()), "/bin/sh", "-c", "ulimit -c").stdout


def test_files_of_the_program_are_for_this_user_only() -> None:
    assert "0077\n" == run("exec", str(os.getpid()), "/bin/sh", "-c", "umask").stdout


def test_the_end_of_a_supervised_program_is_its_own() -> None:
    child = Child("pipe", shell="echo $$; exit 7")  # whose input stays open
    assert 7 == child.process.wait(DEADLINE_S)
    child.end()


def test_the_end_of_input_ends_the_program(supervised: Child) -> None:
    pidfd = os.pidfd_open(supervised.told)
    assert supervised.process.stdin is not None
    supervised.process.stdin.close()
    assert select.select([pidfd], [], [], DEADLINE_S)[0]
    supervised.process.wait(DEADLINE_S)
    os.close(pidfd)


def test_a_signal_is_passed_on() -> None:
    child = Child("pipe", shell=STAYS)
    pidfd = os.pidfd_open(child.told)
    child.process.send_signal(signal.SIGTERM)
    assert select.select([pidfd], [], [], DEADLINE_S)[0]
    child.process.wait(DEADLINE_S)
    os.close(pidfd)
    child.end()
