"""The project's compose file, running: a load balancer before frontends, on a host of its own.

stack.up(http=4)
with running_load(stack.balancer, MIX, at=stack.clients) as load: ...
"""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import NamedTuple

from tests.cluster.hosts import Host
from tests.cluster.load import Mix
from tests.cluster.server import LoadBalancer
from tests.deploy.engine import Engine, Json
from tests.deploy.images import IMAGE

# Clients as real ones are, but quicker: those of UDP ask again after 15 seconds, not 3.
PATIENT = Mix(
    http=60,
    kept=60,
    udp=120,
    ws=60,
    peers=480,
    swarms=20,
    patience_s=30.0,
    resend_s=3.0,
    reconnects=True,
)

HASH = "0123456789abcdef0123456789abcdef01234567"
ADMIN = 8001
UPDATE_S = 180.0  # that deploy/update.sh may take when browsers leave soon
PORTS = {"http": 80, "ws": 80, "udp": 6969, "https": 443, "wss": 443}


class Container(NamedTuple):
    """One of them, as the engine tells."""

    name: str
    service: str
    image: str  # its tag
    pid: int
    state: str
    addresses: dict[str, str]  # by network

    @property
    def running(self) -> bool:
        """It is not a job that has ended."""
        return self.state == "running"


class Stack:
    """A project of the compose file, perhaps with profiles.

    Args:
        engine: serving at `host`.
        host: where its ports are.
        clients: who asks from elsewhere.
        project: a directory with the compose file and what it mounts.
        profiles: of the compose file.
        without: a service that has no image here.
        environment: variables of the file.
    """

    def __init__(
        self,
        engine: Engine,
        host: Host,
        clients: Host,
        project: Path,
        *profiles: str,
        without: str | None = None,
        **environment: str,
    ) -> None:
        self.engine, self.host, self.clients = engine, host, clients
        self.balancer = LoadBalancer(host.ip, 80, 6969)
        self._project = project
        self._without = without
        self._environment = {"COMPOSE_PROFILES": ",".join(profiles), **environment}

    def up(self, image: str | None = None, **scale: int) -> None:
        """Make it as the file says, with other numbers of some services; return when healthy."""
        wanted = (f"--scale={service}={number}" for service, number in scale.items())
        environment = {"IMAGE": image, "FORWARDER_IMAGE": IMAGE} if image else {}
        self.compose(
            *("up", "--detach", "--wait", "--no-build", *wanted, *self._named()), **environment
        )

    def _named(self) -> list[str]:
        """The services to make; none: all."""
        if self._without is None:
            return []
        return [
            each for each in self.compose("config", "--services").split() if each != self._without
        ]

    def down(self) -> None:
        """Remove it, and all that it has stored; nothing is left."""
        self.compose("down", "--volumes")
        assert "" == self.engine.docker("ps", "--all", "--quiet")
        assert "" == self.engine.docker("volume", "ls", "--quiet")
        assert "" == self.engine.docker("network", "ls", "--filter", "type=custom", "--quiet")

    def compose(self, *args: str, **environment: str) -> str:
        """A command of docker compose; what it printed."""
        return self.engine.compose(self._project, *args, env={**self._environment, **environment})

    def update(self, image: str) -> str:
        """Run ``deploy/update.sh``; what it printed."""
        environment = {**self._environment, "IMAGE": image, "FORWARDER_IMAGE": IMAGE}
        return self.engine.script(self._project, "deploy/update.sh", environment, UPDATE_S)

    def containers(self, *services: str) -> list[Container]:
        """Those of these services that run; of all, if none is named."""
        ids = self.engine.docker("ps", "--quiet", "--no-trunc").split()
        found = self.engine.inspect_those_left(*ids)
        running = [each for each in map(_container, found) if each.running]
        return [each for each in running if not services or each.service in services]

    def crash(self, container: Container) -> None:
        """End its process as a fault would; the engine starts it again."""
        os.kill(container.pid, signal.SIGKILL)

    def ask(self, container: Container, path: str) -> str:
        """What a frontend's admin port tells."""
        with self.host.inside():
            url = f"http://{container.addresses['front']}:{ADMIN}{path}"
            with urllib.request.urlopen(url, timeout=5) as reply:
                return str(reply.read().decode())

    def announce(self, protocol: str, *, at: Host, to: str, **environment: str) -> Json:
        """As `announce`, at the load balancer."""
        port = PORTS[protocol]
        return announce(protocol, at=at, to=to, port=port, **environment)


def announce(protocol: str, *, at: Host, to: str, port: int, **environment: str) -> Json:
    """What `tracker announce` prints on a host, as JSON."""
    url = f"{protocol}://{to}:{port}/announce"
    with at.inside():
        done = subprocess.run(
            [sys.executable, "-m", "tracker", "announce", "--json", "--stay", url, HASH],
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def _container(told: Json) -> Container:
    labels = told["Config"]["Labels"] or {}
    networks = told["NetworkSettings"]["Networks"]
    return Container(
        told["Name"].removeprefix("/"),
        labels.get("com.docker.compose.service", ""),
        told["Config"]["Image"],
        told["State"]["Pid"],
        told["State"]["Status"],
        {name.rpartition("_")[2]: each["IPAddress"] for name, each in networks.items()},
    )
