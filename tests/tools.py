"""What the tests need of the machine: skipped at a desk where it is missing, failed in CI."""

import os
import shutil
import socket
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import NoReturn

import pytest

# Before a command: its process ends with the thread that started it, however that ends.
MORTAL = ("setpriv", "--pdeathsig", "KILL")


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


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """A port of 127.0.0.1 that nobody listened on a moment ago."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
