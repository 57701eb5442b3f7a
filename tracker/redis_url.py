"""The form of a Redis URL, checked without showing any part of it: it may hold a password."""

import re
from typing import Final

REDIS_SCHEMES: Final = (
    *("redis://", "rediss://", "unix://"),
    *("redis+sentinel://", "rediss+sentinel://", "redis+cluster://", "rediss+cluster://"),
)
BAD_URL: Final = "not a valid URL; in a password write @ : / ? # % as %40 %3A %2F %3F %23 %25"
BAD_DATABASE: Final = "the database is not a number: write it as in redis://HOST:6379/0"

_PARTS: Final = re.compile(r"[^:]+://(?:[^@/?#]*@)?([^@/?#]*)(/[^@?#]*)?(?:\?[^@#]*)?")
_HOST: Final = re.compile(r"(?:\[[^\[\]]+\]|[^\[\]:,]*)(?::([0-9]{0,5}))?")
_HIGHEST_PORT: Final = 65_535


def without_secrets(url: str) -> str:
    """Return a valid URL without its user, its password and its options."""
    scheme, _, rest = url.partition("?")[0].partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}"


def check_redis_url(url: str) -> None:
    """Check the scheme, the hosts, the ports and the database of `url`.

    An `@` is valid only between the password and the host, and a `#` nowhere: both are signs of a
    password that is not percent-encoded, whose rest would be taken for a host or a port.

    Raises:
        ValueError: the URL is not valid; the text has no part of it.
    """
    if not url.startswith(REDIS_SCHEMES):
        raise ValueError(f"a Redis URL begins with one of {' '.join(REDIS_SCHEMES)}")
    parts = _PARTS.fullmatch(url)
    if parts is None:
        raise ValueError(BAD_URL)
    hosts, path = parts.groups(default="")
    kind = url.partition("://")[0]
    if kind == "unix":
        if hosts or not path:
            raise ValueError("a URL of a socket has three slashes: unix:///run/redis.sock")
        return
    several = hosts.split(",") if "+" in kind else [hosts]
    if not all(map(_is_host, several)):
        raise ValueError(BAD_URL)
    if "+" not in kind and not re.fullmatch("/?[0-9]*", path):
        raise ValueError(BAD_DATABASE)


def _is_host(text: str) -> bool:
    found = _HOST.fullmatch(text)
    return found is not None and int(found[1] or 0) <= _HIGHEST_PORT
