"""How a process is asked to stop: once, and it drains; twice, and it ends at once.

SIGTERM lets browsers stay for `ws.drain`: service managers send it, when successors serve already.
SIGINT does not: a person who presses Ctrl-C is waiting.
"""

import asyncio
import signal
from functools import partial
from typing import Protocol

import structlog

log = structlog.get_logger()

SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Drained(Protocol):
    """What serves, and can stop without failing anybody."""

    async def drain(self, *, patient: bool) -> None:
        """Return once no client is served any more, or time is up. May be cancelled.

        Args:
            patient: let browsers stay for `ws.drain`.
        """


class Stop:
    """The requests to stop so far."""

    def __init__(self) -> None:
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

    async def wait(self, tracker: Drained) -> None:
        """Return once we are asked to stop, and `tracker` is drained or we are asked again."""
        await self.asked.wait()
        log.info("tracker.draining")
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


def obey_signals(stop: Stop) -> None:
    """Let SIGTERM and SIGINT ask to stop.

    Not by the loop's own handlers: those end with it, and a signal between its end and that of
    the process would kill us.
    """
    loop = asyncio.get_running_loop()

    def told(number: int, _: object) -> None:
        if not loop.is_closed():
            ask = partial(stop.ask, patient=number != signal.SIGINT)
            loop.call_soon_threadsafe(ask)

    for number in SIGNALS:
        signal.signal(number, told)


def ignore_signals() -> None:
    """Hear no more of them, to the very end of the process."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
