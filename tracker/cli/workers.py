"""``tracker workers``: the background jobs of a cluster, without serving anybody."""

from argparse import ArgumentParser, Namespace

from tracker.cli.connection import NO_URL, check_url
from tracker.cli.flags import add_flags, lists_exist, settings_of
from tracker.cli.output import print_problem


def configure(parser: ArgumentParser) -> None:
    """Add the flags, the same as those of ``tracker serve``."""
    parser.usage = "tracker workers --redis URL [--config FILE] [--SETTING VALUE ...]"
    add_flags(parser)


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
