"""One engine for all tests here, as its images take a minute to make."""

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from tests import one_address
from tests.cluster.hosts import Host, hosts
from tests.deploy import images
from tests.deploy.engine import Engine
from tests.deploy.stack import Stack
from tests.shape.files import ROOT
from tests.tools import require

HOST6, CLIENTS6 = "fd77::1", "fd77::2"
SHIPPED = ("docker-compose.yml", "deploy")

StartStack = Callable[..., AbstractContextManager[Stack]]


class Place(NamedTuple):
    """An engine on a host, and another host."""

    engine: Engine
    host: Host
    clients: Host


@pytest.fixture(scope="session")
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    """The engine has all images."""
    cache = request.config.cache.mkdir("stand-ins")
    with tempfile.TemporaryDirectory(prefix="docker") as directory:
        engine = Engine(Path(directory))
        with engine.serving():
            images.build(engine, cache)
        with hosts("engine", "clients") as (host, clients):
            _add_address(host, HOST6)
            _add_address(clients, CLIENTS6)
            with engine.serving(at=host):
                yield Place(engine, host, clients)


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What an operator has of the project, without what a developer's checkout has beside it."""
    directory = tmp_path_factory.mktemp("project")
    for name in SHIPPED:
        source = ROOT / name
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, directory / name)
    variables = (f"{name}={value}\n" for name, value in one_address.VARIABLES.items())
    (directory / "tracker.env").write_text("".join(variables))
    return directory


@pytest.fixture(scope="module")
def stack(place: Place, project: Path) -> Iterator[Stack]:
    """The compose file without profiles."""
    stack = Stack(*place, project)
    stack.up()
    yield stack
    stack.down()


@pytest.fixture
def start(place: Place, project: Path) -> StartStack:
    """Brings a `Stack` up, with arguments of that, and takes it down."""

    @contextmanager
    def running(*profiles: str, without: str | None = None, **environment: str) -> Iterator[Stack]:
        engine, host, clients = place
        stack = Stack(engine, host, clients, project, *profiles, without=without, **environment)
        try:
            stack.up()
            yield stack
        finally:
            stack.down()

    return running


def _add_address(host: Host, ip: str) -> None:
    with host.inside():  # at once, without looking whether somebody else has it
        ip_command = (require("ip"), "address", "add", f"{ip}/64", "dev", "eth0", "nodad")
        subprocess.run(ip_command, check=True, timeout=10)
