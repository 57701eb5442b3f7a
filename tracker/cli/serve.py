"""``tracker serve``: a flag for each setting, then the tracker runs until it is told to stop."""

from argparse import ArgumentParser, Namespace

from tracker.cli.flags import add_flags, lists_exist, settings_of


def configure(parser: ArgumentParser) -> None:
    """Add the flags, grouped by section."""
    parser.usage = "tracker serve [--config FILE] [--SETTING VALUE ...]"
    add_flags(parser)


def run(arguments: Namespace) -> int:
    """Load the settings and serve."""
    settings = settings_of(arguments)
    if settings is None:
        return 2
    # The whole server is imported here, not for a usage error.
    from tracker import app  # noqa: PLC0415
    from tracker.cli.connection import check_url  # noqa: PLC0415

    if not check_url(settings.redis):
        return 2
    has_jobs = settings.redis.url is None or settings.listen.with_workers
    if has_jobs and not lists_exist(settings.access):
        return 2
    return app.run(settings)
