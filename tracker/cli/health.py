"""``tracker health``: how the tracker on this machine is, as health checks of containers ask.

They ask every few seconds, so as little as possible is imported. Exit codes: 0 it is ready; 1 it is
not, or does not answer.
"""

import http.client
import json
import os
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Final

from tracker.cli.output import print_line, print_problem
from tracker.host_port import split_host_port

_VARIABLE: Final = "TRACKER_ADMIN"
_ANYWHERE: Final = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - not bound


def configure(parser: ArgumentParser) -> None:
    """Add the flags."""
    parser.add_argument(
        "--live", action="store_true", help="whether it runs at all, though perhaps without Redis"
    )
    parser.add_argument(
        "--timeout", type=float, default=2.0, metavar="SECONDS", help="to answer in (default: 2)"
    )
    parser.add_argument(
        "--admin", metavar="HOST:PORT", help=f"where it listens for such questions ({_VARIABLE})"
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help="TOML file that tells it")


def run(arguments: Namespace) -> int:
    """Ask its admin address."""
    admin = arguments.admin or os.environ.get(_VARIABLE) or _from_settings(arguments)
    if admin is None:
        return 2
    try:
        host, port = split_host_port(admin)
    except ValueError as error:
        print_problem(error)
        return 2
    path = "/health" if arguments.live else "/ready"
    connection = http.client.HTTPConnection(
        _ANYWHERE.get(host, host), port, timeout=arguments.timeout
    )
    try:
        connection.request("GET", path)
        with connection.getresponse() as response:
            body = response.read()
    except (OSError, http.client.HTTPException) as error:
        print_problem(f"no answer of {admin}: {error}")
        return 1
    finally:
        connection.close()
    if response.status != http.client.OK:
        print_problem(_reasons(body) or f"HTTP status {response.status} {response.reason}")
        return 1
    print_line("live" if arguments.live else "ready")
    return 0


def _from_settings(arguments: Namespace) -> str | None:
    """What other sources say, and the default."""
    from tracker.cli.flags import settings_of  # noqa: PLC0415 - twice the time of all the rest

    settings = settings_of(arguments)
    return settings.listen.admin if settings else None


def _reasons(body: bytes) -> str:
    """Of a tracker that is not ready; empty if something else answered."""
    try:
        return "; ".join(json.loads(body)["reasons"])
    except (ValueError, TypeError, KeyError):
        return ""
