"""What the tests need of the machine: skipped at a desk where it is missing, failed in CI."""

import os
import random
import shutil
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import NoReturn

import pytest

# Before a command: its process ends with the thread that started it, however that ends.
MORTAL = ("setpriv", "--pdeathsig", "KILL")

BUS = 10_000  # from the port of a node of a Redis Cluster to that of the cluster bus
_ANY = random.SystemRandom()  # tests that run side by side have the same seed


def require(tool: str) -> str:
    """The path of a program on ``PATH``; without it the test skips, and fails where CI is set."""
    path = shutil.which(tool)
    if path is None:
        missing(tool)
    return path


def require_module(name: str) -> ModuleType:
    """As `require`, for a Python module that has wheels for some platforms only."""
    if find_spec(name) is None:
        missing(f"the Python module {name}")
    return import_module(name)


def missing(what: str) -> NoReturn:
    """Skip the test, or fail it where CI is set; for what no other function here looks up."""
    reason = f"needs {what}, which is not installed (see scripts/test-tools)"
    if os.environ.get("CI"):
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def reserve(port: int = 0, kind: socket.SocketKind = socket.SOCK_STREAM) -> socket.socket:
    """Reserve a port of 127.0.0.1 until the socket is closed; 0: any free one.

    A TCP port refuses connections. A server that sets SO_REUSEADDR, as all of ours do, can bind the
    port nevertheless; it then receives all connections and datagrams.

    Raises:
        OSError: the port is in use, or another test reserves it.
    """
    sock = socket.socket(socket.AF_INET, kind)
    try:
        sock.bind(("127.0.0.1", port))
        # Not before: two sockets that both have it may bind the same port.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    except OSError:
        sock.close()
        raise
    return sock


@contextmanager
def reserved_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> Iterator[int]:
    """Reserve any free port of 127.0.0.1, for a server that the test starts or for none."""
    with reserve(kind=kind) as sock:
        port: int = sock.getsockname()[1]
        yield port


@contextmanager
def reserved_node_port() -> Iterator[int]:
    """Reserve a port and its bus port; both are below those that the system gives out."""
    while True:
        port = _ANY.randrange(11_000, 21_000)
        with suppress(OSError), ExitStack() as both:
            both.enter_context(reserve(port))
            both.enter_context(reserve(port + BUS))
            reserved = both.pop_all()
            break
    with reserved:
        yield port
