"""``tracker forward``: a balancer for UDP before frontends that have ``--udp-proxy-protocol``."""

from argparse import ArgumentParser, Namespace
from typing import Final

from tracker.cli.flags import add_flags, settings_of
from tracker.cli.output import print_problem
from tracker.host_port import split_host_port

_SECTIONS: Final = frozenset({"listen", "udp", "log"})
_COMMON: Final = (
    "listen.host",
    "listen.port",
    "listen.admin",
    "log.level",
    "log.json_lines",
)
_EXAMPLES: Final = """\
example, for frontends with `--udp-proxy-protocol --trusted-proxies NETWORK`:
  tracker forward --to frontends.internal:8000
"""


def configure(parser: ArgumentParser) -> None:
    """Add the flags."""
    parser.usage = "tracker forward --to HOST:PORT [OPTIONS]"
    parser.add_argument(
        "--to",
        metavar="HOST:PORT",
        required=True,
        help="the frontends: all IPv4 addresses of that name, which is resolved every second",
    )
    add_flags(parser, _SECTIONS, _COMMON, _EXAMPLES)


def run(arguments: Namespace) -> int:
    """Load the settings and forward until asked to stop."""
    try:
        to = split_host_port(arguments.to)
    except ValueError as error:
        print_problem(error)
        return 2
    settings = settings_of(arguments)
    if settings is None:
        return 2
    from tracker import forwarding  # noqa: PLC0415 - not for a usage error

    return forwarding.run(settings, to)
