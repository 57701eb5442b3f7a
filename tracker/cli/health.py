"""``tracker health``: how the tracker on this machine is, as health checks of containers ask.

They ask every few seconds, so as little as possible is imported. Exit codes: 0 it is ready; 1 it is
not, or does not answer.
"""

import http.client
import json
import os
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tracker.cli.here import add_port_flag, chosen
from tracker.cli.output import print_line, print_problem
from tracker.cli.values import seconds
from tracker.host_port import split_host_port

if TYPE_CHECKING:
    from tracker.settings import ListenSettings

_VARIABLE: Final = "TRACKER_ADMIN"
_OTHER_SOURCES: Final = ("TRACKER_CONFIG", "TRACKER_SECRETS_DIR")
_MOST: Final = 65_536  # bytes of an answer: the port may be another program's
_ANYWHERE: Final = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - not bound


def configure(parser: ArgumentParser) -> None:
    """Add the flags."""
    parser.add_argument(
        "--live", action="store_true", help="whether it runs, even if it cannot use Redis"
    )
    parser.add_argument(
        "--timeout", type=seconds, default=2.0, metavar="SECONDS", help="default: %(default)g"
    )
    parser.add_argument("--admin", metavar="HOST:PORT", help=f"its admin address ({_VARIABLE})")
    parser.add_argument(
        "--config", type=Path, metavar="FILE", help="TOML file that names the admin address"
    )
    add_port_flag(parser)


def run(arguments: Namespace) -> int:
    """Ask its admin address."""
    admin = _admin(arguments)
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
            body = response.read(_MOST)
    except (OSError, http.client.HTTPException) as error:
        print_problem(f"no answer from {admin}: {error}")
        return 1
    finally:
        connection.close()
    if response.status != http.client.OK:
        print_problem(_reasons(body) or f"HTTP status {response.status} {response.reason}")
        return 1
    print_line("live" if arguments.live else "ready")
    return 0


def _admin(arguments: Namespace) -> str | None:
    """Return the admin address: what names it, the tracker on this machine, or the default.

    None, and printed why: it is not clear.
    """
    port = arguments.local_port
    if port is None and (named := arguments.admin or os.environ.get(_VARIABLE)):
        return str(named)
    if port is None and (arguments.config or any(map(os.environ.get, _OTHER_SOURCES))):
        listen = _settings(arguments)
        if listen is None or not listen.admin_moves:
            return None if listen is None else listen.admin
    tracker, clear = chosen(port, lambda each: each.admin)
    if tracker is not None:
        return tracker.admin
    listen = _settings(arguments) if clear else None
    return None if listen is None else listen.admin


def _settings(arguments: Namespace) -> "ListenSettings | None":
    from tracker.cli.flags import settings_of  # noqa: PLC0415 - twice the time of all the rest

    settings = settings_of(arguments)
    return None if settings is None else settings.listen


def _reasons(body: bytes) -> str:
    """Of a tracker that is not ready; empty if something else answered."""
    try:
        return "; ".join(json.loads(body)["reasons"])
    except (ValueError, TypeError, KeyError, RecursionError):
        return ""
