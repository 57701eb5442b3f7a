"""The processes that a process started, and their ends."""

import os
import select
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.nodes import DEADLINE_S


class Kin(NamedTuple):
    """One process of ours."""

    pid: int
    command: str


def children(pid: int) -> list[Kin]:
    """The processes that `pid` started, the oldest first."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            parent = path.joinpath("stat").read_text(errors="replace").rpartition(")")[2].split()[1]
            command = path.joinpath("cmdline").read_text(errors="replace").replace("\0", " ")
        except OSError:
            continue  # it has just ended
        if int(parent) == pid:
            found.append(Kin(int(path.name), command))
    return sorted(found)


def serving(pid: int) -> list[int]:
    """The children that serve."""
    return [kin.pid for kin in children(pid) if "tracker.processes.serving" in kin.command]


@contextmanager
def ending(*pids: int) -> Iterator[None]:
    """What is done within must let these processes end."""
    watched = [os.pidfd_open(pid) for pid in pids]
    try:
        yield
        for pid, each in zip(pids, watched, strict=True):
            assert select.select([each], [], [], DEADLINE_S)[0], f"process {pid} lives"
    finally:
        for each in watched:
            os.close(each)
