"""The real tracker as a process of its own, for tests that speak to it over sockets only.

    with running_tracker("--only", "udp") as tracker:
        ...  # tracker.udp_url, tracker.url("udp", "::1")

The kernel picks the ports; the process shows them in its first line:
``ready http=1 ws=1 udp=2 admin=3 redis=up``.
"""

import os
import re
import selectors
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Self

from tests.tools import MORTAL

COMMAND = (sys.executable, "-m", "tracker", "serve")
ANY_PORTS = ("--port", "0", "--admin", "127.0.0.1:0", "--drain", "1", "--grace", "0")
READY_WITHIN = 20.0  # seconds; an embedded Redis starts with it
STOPPED_WITHIN = 10.0  # seconds; more than the drain time above


class TrackerProcess:
    """One ``tracker serve``: start it, ask for its addresses, stop it."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 (closed in stop and kill)
        self._stderr: str | None = None
        self.ports: dict[str, int] = {}
        self.redis = ""  # "up" or "away", when it was ready

    def start(
        self, *args: str, env: Mapping[str, str] | None = None, command: str = COMMAND[-1]
    ) -> Self:
        """Launch it, and wait until it is ready: see `launch` and `wait_ready`."""
        return self.launch(*args, env=env, command=command).wait_ready()

    def launch(
        self, *args: str, env: Mapping[str, str] | None = None, command: str = COMMAND[-1]
    ) -> Self:
        """Start with free ports and the given flags.

        Args:
            args: flags of ``tracker serve``; they outweigh `ANY_PORTS`.
            env: added to this process's environment, of which no ``TRACKER_…`` is handed on. The
                data of an embedded Redis are not kept, unless a flag says so.
            command: in place of ``serve``, with the same flags.
        """
        clean = {k: v for k, v in os.environ.items() if not k.startswith("TRACKER_")}
        self._process = subprocess.Popen(
            [*MORTAL, *COMMAND[:-1], command, *ANY_PORTS, *args],
            env={**clean, "TRACKER_REDIS_EMBEDDED_KEEP": "false", **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            start_new_session=True,  # without the terminal of the tests
        )
        return self

    def wait_ready(self) -> Self:
        """Wait until it prints that it is ready.

        Raises:
            AssertionError: it ended or stayed silent; the message holds its log.
        """
        try:
            line = self._first_line()
            assert line.startswith("ready "), f"not ready: {line!r}\n{self.stderr}"
        except BaseException:
            self.kill()
            raise
        fields = dict(re.findall(r"(\w+)=(\w+)", line))
        self.redis = fields.pop("redis")
        self.ports = {name: int(port) for name, port in fields.items()}
        return self

    @property
    def pid(self) -> int:
        """Process id, to look up its memory and the like."""
        return self._running.pid

    @property
    def http_url(self) -> str:
        """Announce URL over IPv4."""
        return self.url("http")

    @property
    def ws_url(self) -> str:
        """Announce URL over IPv4."""
        return self.url("ws")

    @property
    def udp_url(self) -> str:
        """Announce URL over IPv4."""
        return self.url("udp")

    @property
    def admin_url(self) -> str:
        """Where ``/health``, ``/ready`` and ``/metrics`` are; no slash at its end."""
        return f"http://127.0.0.1:{self.ports['admin']}"

    def url(self, protocol: str, host: str = "127.0.0.1") -> str:
        """Announce URL of ``http``, ``ws`` or ``udp``, at any address of this machine."""
        where = f"[{host}]" if ":" in host else host
        return f"{protocol}://{where}:{self.ports[protocol]}/announce"

    @property
    def stderr(self) -> str:
        """All that it has logged so far; still there after its end."""
        if self._stderr is not None:
            return self._stderr
        size = os.fstat(self._log.fileno()).st_size
        return os.pread(self._log.fileno(), size, 0).decode(errors="replace")

    def stop(self) -> None:
        """Stop it as a service manager would, and hold it to a clean end.

        Raises:
            AssertionError: exit code other than 0, a traceback in its log, or it did not end.
        """
        self._running.terminate()
        self.ended()

    def drain(self) -> None:
        """Ask it to stop, and wait until it accepts no more connections."""
        self._running.terminate()
        end_s = time.monotonic() + STOPPED_WITHIN
        while time.monotonic() < end_s:
            try:
                socket.create_connection(("127.0.0.1", self.ports["http"])).close()
            except ConnectionRefusedError:
                return
        raise AssertionError("it still accepts connections")

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._running.poll() is None

    def ended(self) -> None:
        """Hold it to a clean end, soon; errors as of `stop`."""
        try:
            code = self._running.wait(STOPPED_WITHIN)
        except subprocess.TimeoutExpired:
            code = None
        self.kill()
        assert code == 0, f"exit code {code}\n{self.stderr}"
        assert "Traceback" not in self.stderr, self.stderr

    def kill(self) -> None:
        """End it the hard way; nothing is checked. Does nothing if it has ended."""
        if self._process is None or self._stderr is not None:
            return
        self._process.kill()
        self._process.communicate()
        self._stderr = self.stderr
        self._log.close()

    @property
    def _running(self) -> subprocess.Popen[str]:
        assert self._process is not None, "not started"
        return self._process

    def _first_line(self) -> str:
        stdout = self._running.stdout
        assert stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(stdout, selectors.EVENT_READ)
            assert selector.select(READY_WITHIN), f"silent for {READY_WITHIN} s\n{self.stderr}"
        return stdout.readline()


@contextmanager
def running_tracker(
    *args: str, env: Mapping[str, str] | None = None, command: str = COMMAND[-1]
) -> Iterator[TrackerProcess]:
    """A tracker that runs for the length of a ``with``, and must then stop cleanly."""
    tracker = TrackerProcess().start(*args, env=env, command=command)
    try:
        yield tracker
        tracker.stop()
    finally:
        tracker.kill()
