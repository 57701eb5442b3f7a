"""How a process is asked to stop: once, and it drains; twice, and it ends at once.

SIGTERM lets browsers stay for `ws.drain`: service managers send it, when successors serve already.
SIGINT does not: a person who presses Ctrl-C is waiting.
"""

import asyncio
import os
import signal
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, Protocol, TypeVar

import structlog

log = structlog.get_logger()

T = TypeVar("T")

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Drained(Protocol):
    """What serves, and can stop without failing anybody."""

    async def drain(self, *, patient: bool) -> None:
        """Return once no client is served any more, or time is up. May be cancelled.

        Args:
            patient: let browsers stay for `ws.drain`.
        """


class Stop:
    """The requests to stop so far.

    Args:
        leads: this process is the one that users stop. Others log the drain at the level debug.
    """

    def __init__(self, *, leads: bool = True) -> None:
        self._leads = leads
        self.asked = asyncio.Event()
        self.hurried = asyncio.Event()
        self._patient = True

    def ask(self, *, patient: bool = True) -> None:
        """Ask to stop; the second time: at once.

        Args:
            patient: let browsers stay for `ws.drain`.
        """
        if self.asked.is_set():
            self.hurried.set()
        else:
            self._patient = patient
            self.asked.set()

    def hang_up(self) -> None:
        """Ask to stop because the terminal has closed; shell and kernel both send SIGHUP."""
        if not self.asked.is_set():
            self.ask(patient=False)

    async def unless_asked(self, start: Coroutine[Any, Any, T]) -> T | None:
        """Return the result of `start`; None if we are asked to stop first, which cancels it."""
        starting = asyncio.create_task(start, name="start")
        asked = asyncio.create_task(self.asked.wait(), name="asked")
        try:
            await asyncio.wait((starting, asked), return_when=asyncio.FIRST_COMPLETED)
            return starting.result() if starting.done() else None
        finally:
            starting.cancel()
            asked.cancel()
            await asyncio.gather(starting, asked, return_exceptions=True)

    async def wait(self, tracker: Drained) -> None:
        """Return once we are asked to stop, and `tracker` is drained or we are asked again."""
        await self.asked.wait()
        tell = log.info if self._leads else log.debug
        tell("tracker.draining")
        drain = asyncio.create_task(tracker.drain(patient=self._patient), name="drain")
        hurry = asyncio.create_task(self.hurried.wait(), name="hurry")
        try:
            await asyncio.wait((drain, hurry), return_when=asyncio.FIRST_COMPLETED)
            if drain.done():
                drain.result()
        finally:
            drain.cancel()
            hurry.cancel()
            await asyncio.gather(drain, hurry, return_exceptions=True)


def obey_signals(stop: Stop, reload: Callable[[], None] = lambda: None) -> None:
    """Let SIGTERM and SIGINT ask to stop, and SIGHUP to stop or to reload.

    A terminal that closes sends SIGHUP to its processes, so SIGHUP stops a process that has a
    controlling terminal. A service has none, and reloads. A signal that the process ignores from
    its start stays ignored: SIGHUP with nohup(1), SIGINT in the background of a shell script.

    Not by the loop's own handlers: those end with it, and a signal between its end and that of
    the process would kill us.
    """
    loop = asyncio.get_running_loop()
    hang_up = stop.hang_up if has_terminal() else reload
    actions: dict[signal.Signals, Callable[[], object]] = {
        signal.SIGTERM: stop.ask,
        signal.SIGINT: partial(stop.ask, patient=False),
        signal.SIGHUP: hang_up,
    }

    def act(number: int, _: object) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(actions[signal.Signals(number)])

    for number in actions:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, act)


def ignore_signals() -> None:
    """Hear no more of them, to the very end of the process."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def has_terminal() -> bool:
    """Return whether this process has a controlling terminal, wherever its output goes."""
    try:
        os.close(os.open(os.ctermid(), os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True
