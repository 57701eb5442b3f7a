"""Which TCP connections stay open when not all can: limits of one address, and of the process."""

from collections.abc import Sequence
from typing import NamedTuple

SPARE_FILES = 100  # beside the connections: listeners, the admin port, Redis, logs
FAMILIES = 2  # listening sockets of one port: IPv4 and IPv6
BACKLOG_SHARE = 16  # the part of all files that a backlog may take, if files are few
LEAST_BACKLOG = 16
NO_LIMIT = 1 << 62
TLS_SIZE = 96 << 10  # bytes that TLS takes for a connection at most: 82 KiB measured, idle 28 KiB
TLS_PARTS = 2  # parts as large as the budget of clients' memory that all TLS connections may take


class Files(NamedTuple):
    """How the open files of a process are shared out."""

    open_files: int  # the limit to set
    connections: int  # the most connections
    backlog: int  # of each listening socket


def fit_files(connections: int, backlog: int, ports: int, allowed: int | None) -> Files:
    """Keep open files in reserve for the admin port and for Redis.

    The event loop accepts the whole backlog of a listening socket before a connection too many can
    be closed again, so the reserve includes the backlogs.

    Args:
        connections: wanted.
        backlog: wanted, of each listening socket.
        ports: TCP ports.
        allowed: the most open files; None: no limit.
    """
    sockets = ports * FAMILIES
    wanted = connections + backlog * sockets + SPARE_FILES
    if allowed is None or wanted <= allowed:
        return Files(wanted, connections, backlog)
    backlog = min(backlog, max(LEAST_BACKLOG, allowed // BACKLOG_SHARE))
    return Files(
        allowed, max(1, min(connections, allowed - backlog * sockets - SPARE_FILES)), backlog
    )


def most_tls(memory: int) -> int:
    """Return how many TLS connections a process may have; `memory`: bytes of its budget."""
    return max(1, TLS_PARTS * memory // TLS_SIZE)


def most_per_address(most: int, per_address: int) -> int:
    """Return how many connections one address may have: never more than half of all.

    Args:
        most: of the process.
        per_address: wanted; 0: no limit.
    """
    return NO_LIMIT if not per_address else max(1, min(per_address, most // 2))


def to_shed(newcomer: int, others: Sequence[int]) -> int | None:
    """Choose which open connection is closed in favour of a new one.

    Args:
        newcomer: connections of the new one's address, without it.
        others: for each candidate, the connections of its address.

    Returns:
        The index of the candidate; None if the new connection is refused. An address that has many
        connections loses one to an address that has fewer, until both have the same number.
    """
    if not others:
        return None
    largest = max(range(len(others)), key=others.__getitem__)
    return largest if others[largest] > newcomer + 1 else None
