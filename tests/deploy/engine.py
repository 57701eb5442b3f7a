"""A Docker engine of the tests' own: its data, its sockets, its network.

    engine = Engine(directory)
    with engine.serving():             # on this machine's network: to build images
        engine.docker("build", ...)
    with engine.serving(at=host):      # on a host of its own: to run them
        engine.docker("run", ...)

It pulls nothing. On the machine's network it has no bridge and touches no firewall; else all that
it changes is in the host's network namespace.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, TypeAlias

from tests.cluster.hosts import Host
from tests.tools import missing, require

Json: TypeAlias = Any

READY_WITHIN_S = 30.0
POLL_S = 0.1
# IPv6 as engines from 27 on have it by default.
IPV6 = ("--experimental", "--ip6tables")
# Ends with the tests, however they end, and stops its containers first.
TIED = ("setpriv", "--pdeathsig", "TERM")


class Engine:
    """The daemon and its clients.

    Args:
        directory: where all that it makes lies; the path must be short, for the sake of sockets.
    """

    def __init__(self, directory: Path) -> None:
        if os.geteuid() != 0:
            missing("root, for a Docker engine")
        self._dockerd, self._docker = require("dockerd"), require("docker")
        self._compose = Path(sys.executable).parent / "docker-compose"
        if not self._compose.exists():
            missing("docker-compose")
        self._directory = directory
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(directory),
            "DOCKER_HOST": f"unix://{directory}/docker.sock",
        }
        plugins = directory / ".docker/cli-plugins"  # for `docker compose`
        plugins.mkdir(parents=True)
        (plugins / "docker-compose").symlink_to(self._compose)

    @contextmanager
    def serving(self, at: Host | None = None) -> Iterator[None]:
        """The daemon runs meanwhile."""
        network = (
            IPV6
            if at
            else ("--bridge", "none", "--iptables=false", "--ip6tables=false", "--ip-forward=false")
        )
        lies = self._directory
        with (lies / "log").open("ab") as log, at.inside() if at else nullcontext():
            daemon = subprocess.Popen(
                [
                    *(*TIED, self._dockerd, *network),
                    *("--data-root", lies / "data", "--exec-root", lies / "exec"),
                    *("--pidfile", lies / "pid", "--host", self._environment["DOCKER_HOST"]),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        try:
            self._wait(daemon)
            yield
        finally:
            daemon.terminate()
            daemon.wait(60)
            self._unmount()

    def _unmount(self) -> None:
        """What an engine leaves mounted: network namespaces."""
        mounts = (line.split()[1] for line in Path("/proc/mounts").read_text().splitlines())
        for mount in [each for each in mounts if Path(each).is_relative_to(self._directory)]:
            subprocess.run([require("umount"), mount], check=True, timeout=10)

    def _wait(self, daemon: subprocess.Popen[bytes]) -> None:
        end_s = time.monotonic() + READY_WITHIN_S
        while subprocess.run(
            [self._docker, "info"], env=self._environment, capture_output=True, check=False
        ).returncode:
            log = (self._directory / "log").read_text()
            assert daemon.poll() is None, log
            assert time.monotonic() < end_s, log
            time.sleep(POLL_S)

    def docker(self, *args: str | Path, timeout_s: float = 120) -> str:
        """Run a command of ``docker``; what it printed.

        Raises:
            AssertionError: it failed; the message holds what it printed.
        """
        return self._run([self._docker, *args], {}, self._directory, timeout_s)

    def inspect(self, *names: str) -> list[Json]:
        """What it tells of containers or images."""
        told: list[Json] = json.loads(self.docker("inspect", *names)) if names else []
        return told

    def inspect_those_left(self, *names: str) -> list[Json]:
        """As `inspect`, without containers that have been removed meanwhile."""
        found = []
        for name in names:
            try:
                found += self.inspect(name)
            except AssertionError as error:
                if "No such object" not in str(error):
                    raise
        return found

    def script(self, project: Path, name: str, env: Mapping[str, str], timeout_s: float) -> str:
        """Run a shell script of a project in its directory; as `docker`."""
        return self._run(["sh", name], env, project, timeout_s)

    def compose(
        self, project: Path, *args: str, env: Mapping[str, str], timeout_s: float = 120
    ) -> str:
        """Run a command of ``docker compose`` in a project's directory; as `docker`."""
        return self._run([self._compose, *args], env, project, timeout_s)

    def _run(
        self, command: list[str | Path], env: Mapping[str, str], where: Path, timeout_s: float
    ) -> str:
        done = subprocess.run(
            command,
            env={**self._environment, **env},
            cwd=where,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=timeout_s,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{command} exited {done.returncode}:\n{done.stdout}"
        return done.stdout
