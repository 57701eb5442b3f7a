"""Hosts of their own on one switch: network namespaces, which can be cut off from each other.

    with hosts("redis", "frontend") as (redis, frontend):
        with redis.inside():
            ...  # sockets made and processes started here are that host's
        with cut_off(redis, frontend):
            ...  # no packet passes between these two; all others reach both

Namespaces have no names: each lives as long as a process in it, and that dies with the tests
however they end. The switch is in one too, so no firewall of this machine has a say.
"""

import ctypes
import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

from tests.tools import MORTAL, missing, require

CLONE_NEWNET = 0x40000000  # of <sched.h>; os.setns came with Python 3.12
HOLD = ("sh", "-c", "echo; exec sleep infinity")

_libc = ctypes.CDLL(None, use_errno=True)


class Host(NamedTuple):
    """One host."""

    ip: str  # IPv4
    pid: int  # of the process that holds it
    port: str  # of the switch, that it is plugged into
    switch: int  # pid of the switch

    @contextmanager
    def inside(self) -> Iterator[None]:
        """This thread is on this host: for its new sockets, and the processes it starts."""
        with _inside(self.pid):
            yield


@contextmanager
def hosts(*names: str) -> Iterator[tuple[Host, ...]]:
    """A host for each name, all on a switch of their own. Needs root."""
    if os.geteuid() != 0:
        missing("root, for network namespaces")
    with ExitStack() as stack:
        switch = stack.enter_context(_namespace())
        with _inside(switch):
            _ip("link", "add", "switch", "type", "bridge")
            _ip("link", "set", "switch", "up")
        yield tuple(
            _plug_in(name, f"10.77.0.{number}", stack.enter_context(_namespace()), switch)
            for number, name in enumerate(names, start=1)
        )


@contextmanager
def cut_off(*some: Host) -> Iterator[None]:
    """These hosts don't reach each other; all others reach them as before."""
    try:
        _isolate(some, "on")
        yield
    finally:
        _isolate(some, "off")


def _isolate(some: tuple[Host, ...], how: str) -> None:
    """Isolated ports of a bridge get nothing from each other (bridge(8), "isolated")."""
    for host in some:
        with _inside(host.switch):
            _ip("link", "set", host.port, "type", "bridge_slave", "isolated", how)


def _plug_in(name: str, ip: str, pid: int, switch: int) -> Host:
    with _inside(switch):
        _ip("link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", str(pid))
        _ip("link", "set", name, "master", "switch", "up")
    with _inside(pid):
        _ip("address", "add", f"{ip}/24", "dev", "eth0")
        for link in ("eth0", "lo"):
            _ip("link", "set", link, "up")
    return Host(ip, pid, name, switch)


@contextmanager
def _namespace() -> Iterator[int]:
    """The id of a process in a network namespace of its own."""
    with subprocess.Popen(
        [*MORTAL, require("unshare"), "--net", *HOLD], stdout=subprocess.PIPE
    ) as holder:
        try:
            assert holder.stdout is not None
            assert b"\n" == holder.stdout.readline(), "no network namespace"
            yield holder.pid
        finally:
            holder.kill()


@contextmanager
def _inside(pid: int) -> Iterator[None]:
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    try:
        there = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY)
        try:
            _enter(there)
        finally:
            os.close(there)
        try:
            yield
        finally:
            _enter(home)
    finally:
        os.close(home)


def _enter(namespace: int) -> None:
    if _libc.setns(namespace, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


def _ip(*args: str) -> None:
    subprocess.run([require("ip"), *args], check=True, timeout=10)
