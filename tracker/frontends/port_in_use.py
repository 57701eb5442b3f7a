"""The error of a port that is in use: on Linux it names the process that holds the port.

The kernel lists the sockets of this network namespace in ``/proc/net``, with an inode each, and the
files of a process in ``/proc/PID/fd`` (proc(5)). Those of other users are visible to root only.
"""

import errno
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import NamedTuple, TypeAlias

PROC = Path("/proc")
TABLES = {socket.SOCK_STREAM: ("tcp", "tcp6"), socket.SOCK_DGRAM: ("udp", "udp6")}
LISTEN = "0A"  # the state of a listening TCP socket

Address: TypeAlias = IPv4Address | IPv6Address


class Process(NamedTuple):
    """A process that holds a port."""

    pid: int
    name: str


class PortInUse(OSError):
    """A port that another socket has; the text names its process, if it is known, and what to do.

    Args:
        kind: TCP or UDP.
        host: the address that could not be bound; empty: all.
        port: its number.
        flag: the flag that chooses another port.
    """

    def __init__(self, kind: socket.SocketKind, host: str, port: int, flag: str) -> None:
        found = holder(kind, host, port)
        if found is None:
            who = ": stop the program that uses it, or"
        elif found.pid == os.getpid():
            who = " by this process:"
        else:
            who = f" by process {found.pid} ({found.name}): stop it, or"
        text = f"port {port} is in use{who} choose another port with {flag}"
        super().__init__(errno.EADDRINUSE, text)

    def __str__(self) -> str:
        return str(self.strerror)


def holder(kind: socket.SocketKind, host: str, port: int, proc: Path = PROC) -> Process | None:
    """Return the process whose socket prevents others from binding a port; None: it is not known.

    Args:
        kind: TCP or UDP.
        host: the address that cannot be bound; empty: all.
        port: its number.
        proc: where the kernel shows processes.
    """
    sockets = [
        f"socket:[{inode}]"
        for ours in _addresses(kind, host, port)
        for inode in _inodes(kind, ours, port, proc)
    ]
    holders = dict[str, int]()
    for pid in _pids(proc):
        for file in _files(proc / str(pid)):
            holders.setdefault(file, pid)
    return next((_process(proc, holders[each]) for each in sockets if each in holders), None)


def _addresses(kind: socket.SocketKind, host: str, port: int) -> list[Address]:
    try:
        found = socket.getaddrinfo(host or None, port, type=kind, flags=socket.AI_PASSIVE)
    except OSError:  # no name
        return []
    return [ip_address(str(address[0]).partition("%")[0]) for *_, address in found]


def _inodes(kind: socket.SocketKind, ours: Address, port: int, proc: Path) -> list[str]:
    """Return the inodes of the sockets that have the port at our address; listening ones first."""
    listening: list[str] = []
    others: list[str] = []
    for table in TABLES[kind]:
        try:
            _, *lines = (proc / "net" / table).read_text().splitlines()
        except (OSError, ValueError):  # not Linux
            continue
        for line in lines:
            _, local, _, state, *_, inode = line.split()[:10]
            address, _, number = local.partition(":")
            if int(number, 16) == port and _blocks(_decode(address), ours):
                (listening if state == LISTEN else others).append(inode)
    return listening + others


def _decode(address: str) -> Address:
    """Decode an address of ``/proc/net``: 32-bit words in the machine's byte order, in hex."""
    raw = bytes.fromhex(address)
    order = -1 if sys.byteorder == "little" else 1
    return ip_address(b"".join(raw[at : at + 4][::order] for at in range(0, len(raw), 4)))


def _blocks(theirs: Address, ours: Address) -> bool:
    """Return whether a socket at `theirs` prevents us from binding the same port at `ours`.

    Sockets at ``::`` usually serve IPv4 as well. Ours never do (IPV6_V6ONLY).
    """
    if theirs.version == 6:
        theirs = theirs.ipv4_mapped or theirs
        if theirs.is_unspecified:
            return True
    return theirs.version == ours.version and (
        theirs == ours or theirs.is_unspecified or ours.is_unspecified
    )


def _pids(proc: Path) -> list[int]:
    """Return the processes, the oldest first: a server comes before its children."""
    try:
        pids = [int(name) for name in os.listdir(proc) if name.isdecimal()]
    except OSError:
        return []
    return sorted(pids, key=lambda pid: _started(proc, pid))


def _started(proc: Path, pid: int) -> int:
    """Return when a process started, in clock ticks after the boot; 0: it has ended by now."""
    try:
        stat = (proc / str(pid) / "stat").read_text(errors="replace")
    except OSError:
        return 0
    return int(stat.rpartition(")")[2].split()[19])  # proc(5): field 22; the name may have spaces


def _files(process: Path) -> Iterator[str]:
    """Yield what the descriptors of a process refer to, if we are permitted to see it."""
    with suppress(OSError):  # another user's process, or one that has ended
        for descriptor in os.listdir(process / "fd"):
            with suppress(OSError):  # closed meanwhile
                yield os.readlink(process / "fd" / descriptor)


def _process(proc: Path, pid: int) -> Process:
    try:
        name = (proc / str(pid) / "comm").read_text(errors="replace").strip()
    except OSError:  # it has ended by now
        name = "ended"
    return Process(pid, name)
