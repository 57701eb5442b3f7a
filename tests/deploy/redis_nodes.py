"""Redis servers and Sentinels started by the scripts that containers run, each on its own host."""

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from tests.cluster.hosts import Host
from tests.shape.files import ROOT
from tests.tools import MORTAL, require

SCRIPTS = ROOT / "deploy/redis"
WITHIN_S = 20.0
POLL_S = 0.1
LIMIT_S = 60.0


class Done(NamedTuple):
    """The output and the exit code of a command."""

    code: int
    said: str


class Node:
    """A Redis or Sentinel on a host of its own, started as in a container.

    Args:
        host: where it runs.
        secrets: a directory with a file for each password.
        home: for its data.
        start: the script that starts it.
        port: where it listens.
    """

    def __init__(
        self, host: Host, secrets: Path, home: Path, start: str = "start.sh", port: int = 6379
    ) -> None:
        self.host, self._secrets, self._home = host, secrets, home
        self._start, self._port = start, port
        self._lives = 0
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *args: str, **environment: str) -> None:
        """Start it with an empty directory; return when it answers."""
        self._lives += 1
        life = self._home / str(self._lives)
        (life / "data").mkdir(parents=True)
        # A Sentinel has Redis rewrite its settings, which are read-only in a container.
        shutil.copytree(SCRIPTS, life / "scripts")
        with self.host.inside():
            self._process = subprocess.Popen(
                [*MORTAL, "sh", life / "scripts" / self._start, *args],
                env={**self._environment(), **environment},
                stdout=subprocess.DEVNULL,
            )
        until(lambda: self.ask("ping").said.startswith(("PONG", "NOAUTH")))

    def kill(self) -> None:
        """End it as a node does that is lost."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def ask(self, *words: str, **password: str) -> Done:
        """A command by redis-cli, on its own host."""
        return self._run([require("redis-cli"), "-e", "-p", str(self._port), *words], password)

    def ask_as(self, user: str, password: str, *words: str) -> Done:
        """The same as a user."""
        return self.ask("--user", user, *words, REDISCLI_AUTH=password)

    def script(self, name: str, **environment: str) -> Done:
        """Run one of the scripts on its host."""
        return self._run(["sh", SCRIPTS / name], environment)

    @property
    def role(self) -> str:
        """``master`` or ``slave``."""
        return self.ask("role").said.partition("\n")[0]

    def _run(self, command: list[str | Path], environment: Mapping[str, str]) -> Done:
        with self.host.inside():
            done = subprocess.run(
                command,
                env={**self._environment(), **environment},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=LIMIT_S,
                check=False,
            )
        return Done(done.returncode, done.stdout)

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "SECRETS": str(self._secrets),
            "DATA": str(self._home / str(self._lives) / "data"),
            "POD_IP": self.host.ip,
        }


def until(condition: Callable[[], bool]) -> None:
    """Return once it holds."""
    end_s = time.monotonic() + WITHIN_S
    while not condition():
        assert time.monotonic() < end_s
        time.sleep(POLL_S)
