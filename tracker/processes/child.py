"""A child, as its supervisor sees it; what it does itself is in `tracker.processes.serving`."""

import asyncio
import os
import socket
import sys
from asyncio.subprocess import DEVNULL, Process
from contextlib import suppress
from typing import Self

from tracker.embedded import child as leash
from tracker.frontends.listen import Listeners
from tracker.processes.channel import Channel, Hello, Order
from tracker.processes.vitals import Report
from tracker.settings import Settings
from tracker.tasks import completed, retrieved

REPORT_TIMEOUT_S = 1.0
END_S = 1.0  # from the end of what it says to its own


class ChildFailed(OSError):
    """A child ended before it was ready; its own words are in the log."""


class Child:
    """One process, from its start to its end."""

    def __init__(self, process: Process, channel: Channel) -> None:
        self.ready = False
        self._process = process
        self._channel = channel
        self._answer: asyncio.Task[Report] | None = None

    @classmethod
    async def start(
        cls, settings: Settings, redis_url: str, sockets: Listeners[socket.socket]
    ) -> Self:
        """Start a process that is to serve these sockets.

        Call it in a thread that lives as long as the process, best the main one: on Linux the
        kernel ends the child with the *thread* that started it.

        Raises:
            OSError: the system has no process for us.
        """
        ours, theirs = socket.socketpair()
        listeners = sockets.map(socket.socket.fileno)
        command = [sys.executable, "-m", "tracker.processes.serving", str(theirs.fileno())]
        if sys.platform == "linux":  # elsewhere it ends itself when it finds us gone
            leashed = ("-I", "-S", leash.__file__, "exec", str(os.getpid()))
            command = [sys.executable, *leashed, *command]
        made: list[Process] = []

        async def spawn() -> None:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=DEVNULL,
                stdout=DEVNULL,
                pass_fds=(theirs.fileno(), *listeners.all()),
                start_new_session=True,  # the terminal's Ctrl-C is for us
            )
            made.append(process)

        try:
            await completed(spawn())
            channel = await Channel.over(ours)
        except BaseException:
            for process in made:
                process.kill()
                await process.wait()
            ours.close()
            raise
        finally:
            theirs.close()
        channel.send(Hello(settings, redis_url, listeners))
        return cls(made[0], channel)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def tell(self, order: Order) -> None:
        """Tell it to do something."""
        self._channel.send(order)

    async def until_ready(self) -> None:
        """Return once it serves.

        Raises:
            ChildFailed: it ended before.
        """
        try:
            await self._ask()
        except EOFError:  # it is about to end, with a code of its own
            with suppress(TimeoutError):
                await asyncio.wait_for(self.wait(), END_S)
            code = await self.end()
            raise ChildFailed(f"it ended with code {code} before it was ready") from None
        self.ready = True

    async def report(self) -> Report | None:
        """What it tells of itself; None if it is not ready, or does not answer soon."""
        if not self.ready:
            return None
        with suppress(TimeoutError, EOFError):
            return await asyncio.wait_for(self._ask(), REPORT_TIMEOUT_S)
        return None

    async def wait(self) -> int:
        """Return its exit code, once it has ended."""
        return await self._process.wait()

    async def end(self) -> int:
        """End it, if it has not ended, without asking; returns its exit code."""
        with suppress(ProcessLookupError):
            self._process.kill()
        code = await self._process.wait()
        self._channel.close()
        if self._answer is not None:
            await asyncio.gather(self._answer, return_exceptions=True)
        return code

    async def _ask(self) -> Report:
        """All who ask while one question is open share its answer: a child that hangs has one."""
        if self._answer is None or self._answer.done():
            self.tell(Order.REPORT)
            self._answer = asyncio.create_task(self._channel.receive(Report), name="report")
            self._answer.add_done_callback(retrieved)  # perhaps after `report` gave up
        return await asyncio.shield(self._answer)
