"""Fixtures for all tests: the event loop of production, Redis servers, certificates."""

import logging
import os
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import pytest
import structlog
import trustme
import uvloop
from hypothesis import HealthCheck, settings
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import WorkerController

from tests.redis_clusters import RedisCluster
from tests.redis_servers import KINDS, Kind, RedisServer, StartRedis, TlsFiles, redis_servers
from tracker.config import PLATFORM

pytest_plugins = ("tests.deadlines",)

LOADS = (
    *("tests/cluster/", "tests/hostile/"),
    *(f"tests/deploy/test_{name}.py" for name in ("compose", "image", "monitoring", "profiles")),
)

# The machine may be busy with other tests.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], uvloop.Loop]]:
    """Async tests run on uvloop, as the tracker does."""
    return {"uvloop": uvloop.new_event_loop}


@pytest.hookimpl(trylast=True)  # when they were shuffled
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest: loads on the machine."""
    items.sort(key=lambda item: not loads_the_machine(item.nodeid))


class ByModule(LoadScopeScheduling):  # type: ignore[misc]  # has none
    """Processes share the tests, a module at a time; one has all that load the machine."""

    def _split_scope(self, nodeid: str) -> str:
        return "load" if loads_the_machine(nodeid) else nodeid.partition("::")[0]

    def remove_node(self, node: WorkerController) -> str | None:
        """Remove a process; return the test in which it ended, if it did not finish its tests.

        The others are run by other processes. xdist would run that test again, too, and it would
        end each process that runs it.
        """
        units = self.assigned_work.pop(node)
        pending = [
            (unit, test) for unit in units.values() for test, done in unit.items() if not done
        ]
        if not pending:
            return None
        (unit, ended), *_ = pending
        unit[ended] = True
        self.workqueue.update(
            {name: unit for name, unit in units.items() if not all(unit.values())}
        )
        for other in self.assigned_work:
            self._reschedule(other)
        return str(ended)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByModule:
    """With ``--numprocesses``."""
    return ByModule(config, log)


def loads_the_machine(nodeid: str) -> bool:
    """Tests with clients of all protocols, and those with a Docker engine."""
    return nodeid.startswith(LOADS)


@pytest.fixture(scope="session", autouse=True)
def _signals_end_programs() -> None:
    """Give signals their usual effect on programs that tests start, also in the background.

    There (`make test &`, `nohup make test`) they are ignored, which programs inherit. A handler is
    not inherited, and this process goes on as before.
    """
    for number in signal.SIGINT, signal.SIGHUP:
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, lambda *_: None)


@pytest.fixture(scope="session", autouse=True)
def _no_settings_of_a_platform() -> None:
    """Run tests and the programs that they start without settings of the machine's."""
    for name in PLATFORM:
        os.environ.pop(name, None)


@pytest.fixture(scope="session")
def _session_cluster() -> Iterator[RedisCluster]:
    with redis_servers() as start:
        yield RedisCluster(start)


@pytest.fixture
def redis_cluster(_session_cluster: RedisCluster) -> RedisCluster:
    """An empty Redis Cluster of three primaries. A test may do to it what it likes."""
    _session_cluster.renew()
    return _session_cluster


@pytest.fixture(scope="session", params=KINDS)
def _session_redis(request: pytest.FixtureRequest) -> Iterator[RedisServer | RedisCluster]:
    """Of `KINDS`, or ``cluster``, for tests that ask for that by `on_all_kinds`."""
    kind: Kind | Literal["cluster"] = request.param
    if kind == "cluster":
        yield request.getfixturevalue("_session_cluster")
    else:
        with redis_servers() as start:
            yield start(kind)


@pytest.fixture
def redis_server(_session_redis: RedisServer) -> RedisServer:
    """An empty Redis, each kind in turn. A test may stop, kill or freeze it."""
    _session_redis.renew()
    return _session_redis


@pytest.fixture
def start_redis() -> Iterator[StartRedis]:
    """Starts servers of the test's own, with a password, TLS, TCP or other options."""
    with redis_servers() as start:
        yield start


@pytest.fixture(scope="session")
def tls_files(tmp_path_factory: pytest.TempPathFactory) -> TlsFiles:
    """A certificate for localhost, and the authority that a client must trust for it."""
    directory: Path = tmp_path_factory.mktemp("tls")
    files = TlsFiles(directory / "cert.pem", directory / "key.pem", directory / "ca.pem")
    authority = trustme.CA()
    leaf = authority.issue_cert("localhost", "127.0.0.1", "::1")
    for blob in leaf.cert_chain_pems:
        blob.write_to_path(files.cert, append=True)
    leaf.private_key_pem.write_to_path(files.key)
    authority.cert_pem.write_to_path(files.ca)
    return files


@pytest.fixture
def runtime_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """For tests that find trackers on this machine: without those of other tests and people."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture
def logging_as_before() -> Iterator[None]:
    """For tests that set this process's logging up: it is theirs only."""
    root, own = logging.getLogger(), logging.getLogger("tracker")
    handlers, level, own_level = root.handlers[:], root.level, own.level
    root.handlers = []  # pytest's, which `configure` would close
    yield
    root.handlers = handlers
    root.setLevel(level)
    own.setLevel(own_level)
    logging.captureWarnings(False)
    structlog.reset_defaults()
