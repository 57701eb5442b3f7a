"""Which of the trackers on this machine a command is about, if no flag names another one."""

import os
import sys
import time
from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from typing import Final

from tracker.cli.output import print_problem, span
from tracker.local import LocalTracker, local_trackers
from tracker.redis_url import without_secrets
from tracker.text import printable

DESTINATION: Final = "local_port"


def add_port_flag(parser: ArgumentParser) -> None:
    """Add the flag that chooses one of several trackers."""
    parser.add_argument(
        "--port",
        dest=DESTINATION,
        type=int,
        metavar="PORT",
        help="the tracker on this machine that has this port, if there are several",
    )


def chosen(
    port: int | None, same: Callable[[LocalTracker], object]
) -> tuple[LocalTracker | None, bool]:
    """Return the tracker of this user on this machine, and whether the choice is clear.

    Several trackers are one choice if `same` returns the same value for all of them. Without a
    clear choice, the trackers are listed on standard error.

    Args:
        port: that the tracker must have; None: any.
        same: what the command needs of it.
    """
    running = local_trackers(os.environ)
    found = [each for each in running if port is None or port in each.all_ports]
    if found and all(same(each) == same(found[0]) for each in found):
        return found[0], True
    if port is not None and not found:
        print_problem(f"no tracker of this user on this machine has port {port}")
        _show(running)
        return None, False
    if found:
        print_problem(f"{len(found)} trackers run on this machine: choose one with --port")
        _show(found)
        return None, False
    return None, True


def _show(trackers: Sequence[LocalTracker]) -> None:
    for each in trackers:
        names = {
            port: [name for name, its in each.ports.items() if its == port]
            for port in each.ports.values()
        }
        ports = " ".join(f"{','.join(protocols)}={port}" for port, protocols in names.items())
        redis = "its own Redis" if each.private else without_secrets(each.redis)
        age = span(time.time() - each.since)
        line = f"  --port {_own_port(each, trackers)}  pid {each.pid}  up {age}  {ports}  {redis}"
        print(printable(line, 1000), file=sys.stderr)


def _own_port(tracker: LocalTracker, trackers: Sequence[LocalTracker]) -> int:
    """Return a port that no other one of the trackers has."""
    others = {port for each in trackers if each is not tracker for port in each.all_ports}
    return next((port for port in tracker.all_ports if port not in others), tracker.all_ports[-1])
