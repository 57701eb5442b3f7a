"""``tracker forward``: a balancer for UDP before frontends that have ``--udp-proxy-protocol``."""

from argparse import ArgumentParser, Namespace
from typing import Final

from tracker.cli.flags import add_flags, settings_of
from tracker.cli.output import print_problem
from tracker.host_port import split_host_port

_SECTIONS: Final = frozenset({"listen", "udp", "log"})


def configure(parser: ArgumentParser) -> None:
    """Add the flags."""
    parser.add_argument(
        "--to",
        metavar="HOST:PORT",
        required=True,
        help="the frontends: all IPv4 addresses of that name; it is looked up each second",
    )
    add_flags(parser, _SECTIONS)


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
