"""``tracker workers``: the background jobs of a cluster, without serving anybody."""

from argparse import ArgumentParser, Namespace
from typing import Final

from tracker.cli.connection import NO_URL, check_url
from tracker.cli.flags import add_flags, lists_exist, settings_of
from tracker.cli.output import print_problem

_COMMON: Final = (
    "redis.url",
    "access.allow",
    "access.deny",
    "listen.admin",
    "log.level",
    "log.json_lines",
)
_EXAMPLES: Final = """\
examples:
  the jobs of a cluster, on two machines for safety:
    tracker workers --redis redis://10.0.0.5:6379
  with a list of denied torrents, which the jobs publish:
    tracker workers --redis redis://10.0.0.5:6379 --access-deny denied.txt
"""


def configure(parser: ArgumentParser) -> None:
    """Add the flags, the same as those of ``tracker serve``."""
    parser.usage = "tracker workers --redis URL [OPTIONS]"
    add_flags(parser, common=_COMMON, examples=_EXAMPLES)


def run(arguments: Namespace) -> int:
    """Load the settings and work until told to stop."""
    settings = settings_of(arguments)
    if settings is None:
        return 2
    if settings.redis.url is None:
        print_problem(NO_URL)
        return 2
    if not check_url(settings.redis) or not lists_exist(settings.access):
        return 2
    from tracker import jobs  # noqa: PLC0415 - the whole server: not for a usage error

    return jobs.run(settings, settings.redis.url.get_secret_value())
