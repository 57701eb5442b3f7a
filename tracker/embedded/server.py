"""A Redis of our own for one machine: private, bounded, gone with its parent.

It listens on a UNIX socket in a directory that only this user may enter, and on no TCP port. Its
life ends with ours, also after SIGKILL: see `tracker.embedded.child`. If it ends by itself, it
is started again on the same socket; what it held comes back with the peers' next announces.

It writes to disk only when it is stopped: see `tracker.embedded.state`.
"""

import asyncio
import os
import re
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from collections import deque
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

import structlog

from tracker.embedded.directory import private_directory
from tracker.embedded.executable import find_server
from tracker.embedded.state import REDIS_FILE, State, open_state
from tracker.tasks import completed, kept, reported

log = structlog.get_logger(__name__)

READY_TIMEOUT_S = 10.0
STOP_TIMEOUT_S = 3.0
SAVE_TIMEOUT_S = 30.0  # 1 GiB takes 7 s of CPU time
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.05, 5.0  # before a restart
STEADY_S = 60.0  # one that lived so long is restarted without a long pause again
LFU_DECAY_MINUTES = "60"  # two intervals of a peer: swarms that live look busier than a flood's
LINES_LOGGED = 50  # of one Redis: a crash report has hundreds
LINE_LENGTH = 500
# Advice at the start of Redis about the kernel, for servers that fork to save or replicate.
ADVICE = re.compile("WARNING .*(overcommit|Transparent Huge Pages|TCP backlog)")

_CHILD = Path(__file__).with_name("child.py")
_KERNEL_ENDS_CHILDREN = sys.platform == "linux"


class EmbeddedRedisFailed(Exception):
    """The redis-server that was found does not start; the text ends with what it said."""


class EmbeddedRedis:
    """Runs a Redis from ``async with`` to its end.

    Enter it in a thread that lives as long as the process, best the main one: on Linux the
    kernel ends Redis with the *thread* that started it.

    Args:
        memory_mib: limit of its memory. Frontends stop creating swarms before it is reached; if
            it is reached all the same, Redis evicts the swarms that are used least.
        executable: path of the redis-server; None: `find_server`.
        directory: keeps the data from one run to the next, see `tracker.embedded.state`; None: they
            are not kept.
    """

    def __init__(
        self,
        memory_mib: int = 1024,
        executable: str | None = None,
        directory: Path | None = None,
    ) -> None:
        self._memory_mib = memory_mib
        self._executable = executable
        self._directory = directory
        self._state: State | None = None
        self._socket = Path()
        self._process: Process | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._reader: asyncio.Task[None] | None = None
        self._last_said: deque[str] = deque(maxlen=20)
        self._serving = False

    @property
    def url(self) -> str:
        """Where it listens: ``unix:///…/redis.sock``; the same for its whole life."""
        return f"unix://{quote(str(self._socket))}"

    @property
    def directory(self) -> Path | None:
        """The directory in which the data will be saved; None: they will not."""
        return None if self._state is None else self._state.directory

    @property
    def lost(self) -> bool:
        """Whether data of an earlier run were lost: its end was not clean, or its file is bad."""
        return self._state is not None and self._state.lost

    @property
    def pid(self) -> int | None:
        """Process id of the Redis that runs now."""
        return None if self._process is None else self._process.pid

    async def __aenter__(self) -> Self:
        """Start it and wait until it answers.

        Raises:
            EmbeddedRedisMissing: there is no redis-server to start.
            EmbeddedRedisFailed: it does not start.
            OSError: no directory, or no process, could be made.
        """
        self._executable = self._executable or await asyncio.to_thread(find_server)
        async with AsyncExitStack() as stack:
            self._socket = stack.enter_context(private_directory()) / "redis.sock"
            self._state = stack.enter_context(open_state(self._directory))
            stack.push_async_callback(self._stop)
            try:
                loaded = await self._begin()
            except BaseException:  # we are interrupted, or there is no process or no Redis for us
                await self._end()
                if self._state is not None:
                    self._state.withdraw()
                raise
            self._keeper = asyncio.create_task(
                kept("embedded redis", self._keep), name="embedded redis"
            )
            self._stack = stack.pop_all()
        log.debug("embedded_redis.ready", pid=self.pid, executable=self._executable, loaded=loaded)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Save its data, stop it and remove its private directory."""
        await self._stack.aclose()

    def _command(self) -> list[str]:
        options = {
            "port": "0",
            "unixsocket": str(self._socket),
            "unixsocketperm": "700",
            "dir": str(self.directory or self._socket.parent),
            "dbfilename": REDIS_FILE,
            "rdbcompression": "no",  # endpoints are random: the same size, in less time
            "save": "",
            "appendonly": "no",
            "maxmemory": f"{self._memory_mib}mb",
            "maxmemory-policy": "volatile-lfu",
            "lfu-decay-time": LFU_DECAY_MINUTES,
            "databases": "1",
            "daemonize": "no",
            "logfile": "",
            "loglevel": "warning",
        }
        leash = ["exec", str(os.getpid())] if _KERNEL_ENDS_CHILDREN else ["pipe"]
        launcher = [sys.executable, "-I", "-S", str(_CHILD), *leash]
        arguments = [word for name, value in options.items() for word in (f"--{name}", value)]
        return [*launcher, str(self._executable), *arguments]

    async def _begin(self) -> bool:
        """Launch with the data of the last run, if any; return whether they were loaded."""
        state = self._state
        if state is None or not state.offer(self._memory_mib << 20):
            await self._launch()
            return False
        try:
            await self._launch()
        except EmbeddedRedisFailed as error:
            await self._end()
            state.reject(str(error))
            await self._launch()
            return False
        state.loaded()
        return True

    async def _launch(self) -> None:
        self._last_said.clear()
        await completed(self._spawn())
        process = self._process
        assert process is not None
        assert process.stdout is not None
        self._reader = asyncio.create_task(
            reported("embedded redis log", self._read_log(process.stdout))
        )
        await self._until_ready(process)
        self._serving = True

    async def _spawn(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            *self._command(),
            stdin=DEVNULL if _KERNEL_ENDS_CHILDREN else PIPE,
            stdout=PIPE,
            stderr=STDOUT,
            start_new_session=True,  # the terminal's Ctrl-C is for us: Redis serves our drain
        )

    async def _until_ready(self, process: Process) -> None:
        exit_ = asyncio.create_task(process.wait())
        try:
            async with asyncio.timeout(READY_TIMEOUT_S) as limit:
                while (reply := await self._reply(b"PING")) != b"+PONG":
                    if reply.startswith(b"-LOADING"):  # it makes progress, or it could not reply
                        limit.reschedule(asyncio.get_running_loop().time() + READY_TIMEOUT_S)
                    # It tells nobody when its socket is there, so ask again soon.
                    if (await asyncio.wait({exit_}, timeout=0.005))[0]:
                        raise EmbeddedRedisFailed(await self._obituary(process))
        except TimeoutError:
            raise EmbeddedRedisFailed(f"no answer within {READY_TIMEOUT_S} s") from None
        finally:
            exit_.cancel()

    async def _reply(self, command: bytes) -> bytes:
        """Send a command on a connection of its own; return the line of its reply, or nothing."""
        try:
            reader, writer = await asyncio.open_unix_connection(str(self._socket))
        except OSError:
            return b""
        try:
            writer.write(command + b"\r\n")
            return (await reader.readline()).rstrip()
        except OSError:
            return b""
        finally:
            writer.close()

    async def _obituary(self, process: Process) -> str:
        if self._reader is not None:
            await self._reader  # its last words
        return f"it ended with code {process.returncode}, saying: {' / '.join(self._last_said)}"

    async def _read_log(self, output: asyncio.StreamReader) -> None:
        """Drain what Redis says; once it serves, that is warnings worth an operator's eye."""
        budget = LINES_LOGGED
        while chunk := await output.read(8192):
            for line in chunk.decode(errors="replace").splitlines():
                self._last_said.append(line[:LINE_LENGTH])
                if self._serving and budget and not ADVICE.search(line):
                    budget -= 1
                    log.warning("embedded_redis.said", line=line[:LINE_LENGTH])

    async def _keep(self) -> None:
        """Start Redis again whenever it ends by itself, less eagerly if that repeats."""
        loop = asyncio.get_running_loop()
        pause_s = FIRST_PAUSE_S
        while self._process is not None:
            started = loop.time()
            code = await self._process.wait()
            self._serving = False
            log.error("embedded_redis.died", pid=self.pid, code=code)
            if loop.time() - started > STEADY_S:
                pause_s = FIRST_PAUSE_S
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
            await self._restart()

    async def _restart(self) -> None:
        try:
            await self._launch()
        except (OSError, EmbeddedRedisFailed) as error:
            log.error("embedded_redis.restart_failed", error=str(error))
            await self._end()
        else:
            log.warning("embedded_redis.restarted", pid=self.pid)

    async def _stop(self) -> None:
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.wait({self._keeper})
        state, serving = self._state, self._serving
        self._serving = False
        if state is None or not serving:
            await self._end()
            return
        self._last_said.clear()
        error = await self._save(state)
        await self._end()
        if error is None:
            log.info("embedded_redis.saved", directory=str(state.directory))
        else:
            log.warning("embedded_redis.not_saved", directory=str(state.directory), error=error)

    async def _save(self, state: State) -> str | None:
        """Save the data; return None, or why they are not saved."""
        try:
            async with asyncio.timeout(SAVE_TIMEOUT_S):
                reply = await self._reply(b"SAVE")
            if reply == b"+OK":
                state.saved()
                return None
        except TimeoutError:
            return f"not done within {SAVE_TIMEOUT_S:g} s"
        except OSError as error:
            return str(error)
        await self._end()  # by then it has logged why
        return self._last_said[0] if self._last_said else "Redis ended"

    async def _end(self) -> None:
        """End the process: politely, then not."""
        process = self._process
        if process is None:
            return
        try:
            if process.returncode is None:
                process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(STOP_TIMEOUT_S):
                await process.wait()
        except (ProcessLookupError, TimeoutError):
            pass
        finally:  # also if we are cancelled; the whole group, for the launcher that stays
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
        if self._reader is not None:
            await self._reader
