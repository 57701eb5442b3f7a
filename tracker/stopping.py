"""How a process is asked to stop: once, and it drains; twice, and it ends at once."""

import asyncio
import signal
from typing import Protocol

import structlog

log = structlog.get_logger()

SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Drained(Protocol):
    """What serves, and can stop without failing anybody."""

    async def drain(self) -> None:
        """Return once nobody is served any more, or time is up. May be cancelled."""


class Stop:
    """Who asked how often."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.hurried = asyncio.Event()

    def ask(self) -> None:
        """Ask to stop; the second time: at once."""
        (self.hurried if self.asked.is_set() else self.asked).set()

    async def wait(self, tracker: Drained) -> None:
        """Return once we are asked to stop, and `tracker` is drained or we are asked again."""
        await self.asked.wait()
        log.info("tracker.draining")
        drain = asyncio.create_task(tracker.drain(), name="drain")
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

    def told(*_: object) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(stop.ask)

    for number in SIGNALS:
        signal.signal(number, told)


def ignore_signals() -> None:
    """Hear no more of them, to the very end of the process."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
