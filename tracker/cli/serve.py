"""``tracker serve``: a flag for each setting, then the tracker runs until it is told to stop."""

from argparse import ArgumentParser, Namespace

from tracker.cli.flags import add_flags, settings_of


def configure(parser: ArgumentParser) -> None:
    """Add the flags, grouped by section."""
    parser.usage = "tracker serve [--config FILE] [--SETTING VALUE ...]"
    add_flags(parser)


def run(arguments: Namespace) -> int:
    """Load the settings and serve."""
    settings = settings_of(arguments)
    if settings is None:
        return 2
    from tracker import app  # noqa: PLC0415 - the whole server: not for a usage error

    return app.run(settings)
