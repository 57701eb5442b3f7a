"""``tracker serve``: has a flag for each setting, and runs a tracker until a signal stops it."""

from argparse import ArgumentParser, Namespace
from typing import Final

from tracker.cli.flags import add_flags, lists_exist, settings_of

_COMMON: Final = (
    "listen.host",
    "listen.port",
    "listen.only",
    "listen.public_url",
    "listen.processes",
    "redis.url",
    "redis.embedded_keep",
    "tls.cert",
    "tls.key",
    "listen.trusted_proxies",
    "announce.interval",
    "access.allow",
    "access.deny",
    "log.json_lines",
)
_EXAMPLES: Final = """\
examples:
  a whole tracker on port 8000, with a private Redis:
    tracker serve
  a frontend of a cluster, on four cores:
    tracker serve --redis redis://10.0.0.5:6379 --processes 4
  HTTPS and WSS, for the torrents in a file only:
    tracker serve --port 443 --tls-cert chain.pem --tls-key key.pem \\
      --access-allow allowed.txt
"""


def configure(parser: ArgumentParser) -> None:
    """Add the flags."""
    parser.usage = "tracker serve [OPTIONS]"
    add_flags(parser, common=_COMMON, examples=_EXAMPLES)


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
