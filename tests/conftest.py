"""Fixtures for all tests: the event loop of production, Redis servers, certificates."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trustme
import uvloop

from tests.redis_servers import KINDS, Kind, RedisServer, StartRedis, TlsFiles, redis_servers


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], uvloop.Loop]]:
    """Async tests run on uvloop, as the tracker does."""
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture(scope="session", params=KINDS)
def _session_redis(request: pytest.FixtureRequest) -> Iterator[RedisServer]:
    kind: Kind = request.param
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
