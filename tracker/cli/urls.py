"""Announce URLs: those of a tracker at HOST:PORT, and those of the tracker on this machine."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from tracker.host_port import split_host_port
from tracker.local import local_trackers

_PORT: Final = 8000  # of `tracker serve`
_TLS_PORT: Final = 443
_SCHEME_PORTS: Final = {"http": 80, "ws": 80, "https": 443, "wss": 443}
_ORDER: Final = ("udp", "http", "https", "ws", "wss")  # UDP first: it costs the tracker least


class NoTracker(Exception):
    """No tracker runs on this machine, or more than one."""


def local_urls(environment: Mapping[str, str]) -> list[str]:
    """Return the announce URLs of this user's tracker on this machine.

    Raises:
        NoTracker: none runs, or several that differ.
    """
    running = list(dict.fromkeys(tuple(each.urls) for each in local_trackers(environment)))
    if not running:
        raise NoTracker("no tracker of this user runs on this machine")
    if len(running) > 1:
        places = " and ".join(urlsplit(urls[0]).netloc for urls in running if urls)
        raise NoTracker(f"{len(running)} trackers run on this machine, at {places}")
    return sorted(running[0], key=lambda url: _ORDER.index(urlsplit(url).scheme))


def are_local(urls: list[str]) -> bool:
    """Return whether no other machine can use any of the URLs."""
    hosts = {urlsplit(url).hostname or "" for url in urls}
    return all(
        host in ("localhost", "::1", "0.0.0.0", "::") or host.startswith("127.")  # noqa: S104
        for host in hosts
    )


def urls_of(text: str) -> list[str]:
    """Return the announce URLs of the tracker at ``HOST:PORT``, or at ``HOST`` on port 8000.

    Port 443 stands for HTTPS and WSS; such a tracker is rarely asked over UDP.

    Raises:
        ValueError: `text` is not of that form.
    """
    if "://" in text:
        raise ValueError(f"not HOST:PORT: {text!r}{_without_scheme(text)}")
    if "/" in text:
        raise ValueError(f"not HOST:PORT: {text!r}: it has a path")
    if text.count(":") > 1 and not text.startswith("["):
        raise ValueError(f"not HOST:PORT: {text!r} (an IPv6 address needs brackets)")
    has_port = not text.endswith("]") and ":" in text
    host, port = split_host_port(text if has_port else f"{text}:{_PORT}")
    if not host or not port:
        raise ValueError(f"not HOST:PORT: {text!r}")
    return _urls(host, port)


def _without_scheme(url: str) -> str:
    """Return a remark that names the host and port of a URL; empty if it has none."""
    try:
        split = urlsplit(url)
        host, port = split.hostname, split.port or _SCHEME_PORTS.get(split.scheme)
    except ValueError:
        return ""
    if not host:
        return ""
    name = f"[{host}]" if ":" in host else host
    place = f"{name}:{port}" if port else name
    return f": write {place}, or pass whole announce URLs with --announce"


def _urls(host: str, port: int) -> list[str]:
    name = f"[{host}]" if ":" in host else host
    if port == _TLS_PORT:
        return [f"https://{name}/announce", f"wss://{name}/"]
    web = name if port == 80 else f"{name}:{port}"
    return [f"udp://{name}:{port}/announce", f"http://{web}/announce", f"ws://{web}/"]
