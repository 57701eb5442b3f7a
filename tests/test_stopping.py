"""Asked once to stop, it drains; asked twice, it ends at once."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.nodes import DEADLINE_S
from tracker import stopping
from tracker.stopping import SIGNALS, Stop, ignore_signals, obey_signals


class Slow:
    """Is drained when the test says so."""

    def __init__(self) -> None:
        self.began, self.drained = asyncio.Event(), asyncio.Event()
        self.cancelled = False
        self.patient: bool | None = None

    async def drain(self, *, patient: bool) -> None:
        self.patient = patient
        self.began.set()
        try:
            await self.drained.wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise


class Broken:
    """Can not drain."""

    async def drain(self, *, patient: bool) -> None:
        raise RuntimeError("a defect")


@pytest.fixture
def handlers() -> Iterator[None]:
    """Those of this process, put back in the end."""
    before = [signal.getsignal(number) for number in SIGNALS]
    yield
    for number, handler in zip(SIGNALS, before, strict=True):
        signal.signal(number, handler)


async def test_it_waits_to_be_asked_and_then_for_the_drain() -> None:
    stop, tracker = Stop(), Slow()
    waiting = asyncio.create_task(stop.wait(tracker))
    await asyncio.sleep(0)
    assert not tracker.began.is_set()
    stop.ask()
    async with asyncio.timeout(DEADLINE_S):
        await tracker.began.wait()
        assert not waiting.done()
        tracker.drained.set()
        await waiting
    assert not tracker.cancelled


async def test_asked_again_it_waits_no_longer() -> None:
    stop, tracker = Stop(), Slow()
    stop.ask()
    waiting = asyncio.create_task(stop.wait(tracker))
    async with asyncio.timeout(DEADLINE_S):
        await tracker.began.wait()
        stop.ask()
        await waiting
    assert tracker.cancelled


async def test_a_drain_that_fails_is_told() -> None:
    stop = Stop()
    stop.ask()
    with pytest.raises(RuntimeError, match="a defect"):
        await stop.wait(Broken())


async def test_who_gives_up_waiting_gives_up_the_drain() -> None:
    stop, tracker = Stop(), Slow()
    stop.ask()
    waiting = asyncio.create_task(stop.wait(tracker))
    await tracker.began.wait()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert tracker.cancelled


@pytest.mark.usefixtures("handlers")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_each_signal_asks_once(number: signal.Signals) -> None:
    stop = Stop()
    obey_signals(stop)
    async with asyncio.timeout(DEADLINE_S):
        os.kill(os.getpid(), number)
        await stop.asked.wait()
        assert not stop.hurried.is_set()
        os.kill(os.getpid(), number)
        await stop.hurried.wait()
        os.kill(os.getpid(), number)  # and more are in vain


@pytest.mark.usefixtures("handlers")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_browsers_may_stay_after_sigterm(number: signal.Signals) -> None:
    stop, tracker = Stop(), Slow()
    tracker.drained.set()
    obey_signals(stop)
    os.kill(os.getpid(), number)
    async with asyncio.timeout(DEADLINE_S):
        await stop.wait(tracker)
    assert tracker.patient is (number is signal.SIGTERM)


@pytest.mark.usefixtures("handlers")
async def test_a_terminal_that_closes_asks_to_stop_and_never_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The shell passes on the SIGHUP that the kernel sends as well."""
    monkeypatch.setattr(stopping, "has_terminal", lambda: True)
    stop = Stop()
    obey_signals(stop, lambda: pytest.fail("reloads"))
    async with asyncio.timeout(DEADLINE_S):
        os.kill(os.getpid(), signal.SIGHUP)
        await stop.asked.wait()
        os.kill(os.getpid(), signal.SIGHUP)
        for _ in range(3):  # iterations of the event loop
            await asyncio.sleep(0)
        assert not stop.hurried.is_set()
        os.kill(os.getpid(), signal.SIGTERM)
        await stop.hurried.wait()


@pytest.mark.usefixtures("handlers")
async def test_without_a_terminal_sighup_reloads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stopping, "has_terminal", lambda: False)
    stop, reloaded = Stop(), asyncio.Event()
    obey_signals(stop, reloaded.set)
    async with asyncio.timeout(DEADLINE_S):
        os.kill(os.getpid(), signal.SIGHUP)
        await reloaded.wait()
    assert not stop.asked.is_set()


@pytest.mark.usefixtures("handlers")
@pytest.mark.parametrize("number", SIGNALS)
async def test_a_signal_that_is_ignored_already_stays_ignored(number: signal.Signals) -> None:
    signal.signal(number, signal.SIG_IGN)
    obey_signals(Stop())
    assert signal.SIG_IGN is signal.getsignal(number)


@pytest.mark.usefixtures("handlers")
async def test_ignored_signals_ask_nobody() -> None:
    stop = Stop()
    obey_signals(stop)
    ignore_signals()
    for number in SIGNALS:
        os.kill(os.getpid(), number)
    await asyncio.sleep(0)
    assert not stop.asked.is_set()


AFTER_THE_LOOP = """
import asyncio, os, signal, uvloop
from tracker.stopping import Stop, ignore_signals, obey_signals
async def main():
    obey_signals(Stop())
uvloop.run(main())
os.kill(os.getpid(), signal.SIGTERM)
ignore_signals()
os.kill(os.getpid(), signal.SIGINT)
"""


def test_signals_after_the_end_of_the_loop_kill_nobody() -> None:
    command = [sys.executable, "-c", AFTER_THE_LOOP]
    assert 0 == subprocess.run(command, timeout=DEADLINE_S, check=False).returncode


async def test_a_start_that_is_not_interrupted_returns_its_result() -> None:
    async def start() -> int:
        await asyncio.sleep(0)
        return 7

    assert 7 == await Stop().unless_asked(start())


async def test_a_start_that_fails_raises_its_error() -> None:
    async def start() -> None:
        raise OSError("no port")

    with pytest.raises(OSError, match="no port"):
        await Stop().unless_asked(start())


async def test_a_request_to_stop_cancels_the_start() -> None:
    stop, began, ended = Stop(), asyncio.Event(), asyncio.Event()

    async def start() -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    starting = asyncio.create_task(stop.unless_asked(start()))
    async with asyncio.timeout(DEADLINE_S):
        await began.wait()
        stop.ask()
        await starting
    assert ended.is_set()
