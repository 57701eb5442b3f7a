"""Tests that hang fail alone: pytest runs some, with the settings and plugins of this project."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
WITHIN_S = 100  # seconds, of a run on a busy machine
LIMIT_S = 1  # of each phase of a test

QUICK = """
import tests.deadlines
tests.deadlines.AGAIN_S = tests.deadlines.END_S = 1
"""

FIRST = """
import asyncio
import contextlib
import subprocess
import threading
import time

import pytest
from hypothesis import given
from hypothesis.strategies import integers

EVER = ["sleep", "600"]


@pytest.fixture
def hanging():
    time.sleep(600)


@pytest.fixture
async def hanging_in_the_loop():
    await asyncio.Event().wait()
    yield


@pytest.fixture
def hanging_in_the_end():
    yield
    time.sleep(600)


def test_fixture(hanging): ...
async def test_fixture_in_the_loop(hanging_in_the_loop): ...
def test_teardown(hanging_in_the_end): ...


def test_teardown_after_a_failure(hanging_in_the_end):
    raise AssertionError


def test_python():
    while True:
        pass


@given(integers())
def test_hypothesis(number):
    time.sleep(600)


def test_lock():
    threading.Event().wait()


def test_process():
    with subprocess.Popen(EVER) as process:
        try:
            process.wait()
        finally:
            process.kill()


def test_pipe():
    with subprocess.Popen(EVER, stdout=subprocess.PIPE) as process:
        try:
            process.stdout.read()
        finally:
            process.kill()


async def test_idle_loop():
    await asyncio.Event().wait()


async def test_busy_loop():
    while True:
        await asyncio.sleep(0)


async def test_call_within_the_loop():
    time.sleep(600)


async def test_that_is_not_cancelled():
    while True:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()


def test_good_one(): ...
async def test_good_one_in_the_loop(): ...
"""

SECOND = """
import ctypes

FAST_MUTEX = ctypes.create_string_buffer(64)


def test_before(): ...


def test_call_that_no_signal_interrupts():
    lock = ctypes.CDLL(None).pthread_mutex_lock
    lock(FAST_MUTEX)
    lock(FAST_MUTEX)


def test_after(): ...
"""

SIGNALLED = """
import signal
import subprocess

import pytest


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_signal(number):
    signal.raise_signal(number)
    with subprocess.Popen(["sleep", "600"]) as process:
        process.send_signal(number)
        try:
            assert -number == process.wait(10)
        finally:
            process.kill()
"""

IN_THE_BACKGROUND = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_IGN)
signal.signal(signal.SIGHUP, signal.SIG_IGN)
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""


def outcomes(
    directory: Path, *flags: str, before: tuple[str, ...] = ()
) -> tuple[dict[str, str], str]:
    """Run the tests of `directory`; return the worst outcome of each, and the output.

    `before`: arguments of Python, before the others.
    """
    (directory / "quick.py").write_text(QUICK)
    flags = ("--timeout", str(LIMIT_S), "-p", "tests.conftest", "-p", "quick", "-rA", *flags)
    own = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
    done = subprocess.run(
        [
            sys.executable,
            *before,
            "-m",
            "pytest",
            "-p",
            "no:cacheprovider",
            "-c",
            ROOT / "pyproject.toml",
            *flags,
            directory,
        ],
        cwd=directory,
        env={**own, "PYTHONPATH": f"{ROOT}:{directory}"},
        capture_output=True,
        text=True,
        timeout=WITHIN_S,
        check=False,
    )
    found = re.findall(r"^(PASSED|FAILED|ERROR) \S+::test_(\w+)", done.stdout, re.MULTILINE)
    found.sort(reverse=True)  # PASSED, FAILED, ERROR: the last one stays
    return {name: outcome for outcome, name in found}, done.stdout + done.stderr


@pytest.mark.timeout(WITHIN_S + 10)
def test_a_test_that_hangs_fails_and_the_others_run(tmp_path: Path) -> None:
    (tmp_path / "test_first.py").write_text(FIRST)
    found, output = outcomes(tmp_path)
    assert {
        "fixture": "ERROR",
        "fixture_in_the_loop": "ERROR",
        "teardown": "ERROR",
        "teardown_after_a_failure": "ERROR",
        "python": "FAILED",
        "hypothesis": "FAILED",
        "lock": "FAILED",
        "process": "FAILED",
        "pipe": "FAILED",
        "idle_loop": "FAILED",
        "busy_loop": "FAILED",
        "call_within_the_loop": "FAILED",
        "that_is_not_cancelled": "ERROR",
        "good_one": "PASSED",
        "good_one_in_the_loop": "PASSED",
    } == found, output
    assert "hangs: it takes more than 1 s" in output


@pytest.mark.timeout(WITHIN_S + 10)
def test_a_process_that_ends_in_a_test_is_replaced_and_that_test_fails(tmp_path: Path) -> None:
    (tmp_path / "test_first.py").write_text(SECOND)
    (tmp_path / "test_second.py").write_text(SECOND)
    found, output = outcomes(tmp_path, "--numprocesses", "2")
    assert {
        "before": "PASSED",
        "call_that_no_signal_interrupts": "FAILED",
        "after": "PASSED",
    } == found, output
    assert output.count("Timeout (0:00:02)!") == 2  # a stack of each of them


@pytest.mark.timeout(WITHIN_S + 10)
@pytest.mark.parametrize("flags", [(), ("--numprocesses", "1")])
def test_in_the_background_programs_of_tests_still_obey_signals(
    tmp_path: Path, flags: tuple[str, ...]
) -> None:
    (tmp_path / "test_first.py").write_text(SIGNALLED)
    found, output = outcomes(tmp_path, *flags, before=("-c", IN_THE_BACKGROUND))
    assert {"signal": "PASSED"} == found, output
