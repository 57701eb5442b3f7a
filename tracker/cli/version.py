"""``tracker version``, the same as ``tracker --version``."""

from argparse import ArgumentParser, Namespace

from tracker import __version__
from tracker.cli.output import print_line


def configure(_: ArgumentParser) -> None:
    """Add nothing."""


def run(_: Namespace) -> int:
    """Print it."""
    print_line(f"tracker {__version__}")
    return 0
