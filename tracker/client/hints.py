"""What an operator can do when a tracker does not answer as it should."""

import asyncio
import ssl
from errno import ECONNREFUSED, EHOSTUNREACH, ENETUNREACH
from socket import create_connection, gaierror
from typing import Final
from urllib.parse import SplitResult, urlsplit

from tracker.client.model import BadReply, BadUrl, ClientError, Refused, Unreachable

SECURE: Final = {"http": "https", "ws": "wss"}  # a scheme -> the same over TLS
_PLAIN: Final = {secure: plain for plain, secure in SECURE.items()}
_PORTS: Final = {"http": 80, "ws": 80, "https": 443, "wss": 443}
_PROBE_S: Final = 3.0


async def hint_for(url: str, error: ClientError) -> str:
    """Return what to do about an error; empty if the error says all that is known.

    For an http:// or ws:// URL without a useful answer, it tries whether the port speaks TLS.
    """
    if isinstance(error, BadUrl):
        return _about_url(url)
    split = urlsplit(url)
    if isinstance(error, Unreachable):
        if found := _about_network(split, error):
            return found
    elif isinstance(error, Refused):
        usual = _usual(split)
        return f"try {usual}" if usual and "announce" in error.reason else ""
    if split.scheme in SECURE and await asyncio.to_thread(_speaks_tls, split):
        return f"this port speaks TLS: ask {split._replace(scheme=SECURE[split.scheme]).geturl()}"
    return _about_path(split) if isinstance(error, BadReply) else ""


def _about_url(url: str) -> str:
    scheme, colons, rest = url.partition("://")
    host = rest.partition("/")[0]
    if colons and host.count(":") > 1 and "[" not in host:
        return f"an IPv6 address needs brackets, as in {scheme}://[::1]:8000/announce"
    return ""


def _about_network(url: SplitResult, error: Unreachable) -> str:
    cause = error.__cause__
    hint = ""
    match cause:
        case gaierror():
            hint = "check the host name"
        case ssl.SSLCertVerificationError():
            hint = "SSL_CERT_FILE names a file with the authorities to trust"
        case ssl.SSLError() if url.scheme in _PLAIN:
            plain = url._replace(scheme=_PLAIN[url.scheme]).geturl()
            hint = f"this port does not speak TLS: ask {plain}"
        case TimeoutError() if url.scheme == "udp":
            hint = "a firewall may drop UDP: try http:// at the same host"
        case TimeoutError():
            hint = "a firewall may drop the packets, or the tracker is overloaded"
        case OSError() if _is(cause, ECONNREFUSED):
            hint = _about_closed_port(url)
        case OSError() if _is(cause, ENETUNREACH) or _is(cause, EHOSTUNREACH):
            hint = "this machine has no route to that address: check its network and firewall"
    return hint


def _is(error: OSError, number: int) -> bool:
    """Return whether an error has this number; asyncio joins those of several addresses."""
    return error.errno == number or f"[Errno {number}]" in str(error)


def _about_closed_port(url: SplitResult) -> str:
    if url.scheme == "udp":
        closed = f"no program listens on UDP port {url.port} there"
        return f"{closed}: check the port, and whether the tracker runs"
    port = url.port or _PORTS[url.scheme]
    closed = f"no program listens on TCP port {port} there"
    if url.port is None:
        return f"{closed}: the URL names no port, and trackers often have another, such as 8000"
    return f"{closed}: check the port, and whether the tracker runs"


def _about_path(url: SplitResult) -> str:
    """The path is the first suspect when a web server answers that is not a tracker."""
    if url.scheme in ("ws", "wss"):
        return "no WebTorrent tracker is at this address"
    if usual := _usual(url):
        return f"the path of an announce URL is usually /announce: try {usual}"
    return (
        "this is not the announce URL of a tracker: check the host, the port and the path; "
        "the admin port of a tracker serves only its health and metrics"
    )


def _usual(url: SplitResult) -> str:
    """Return an HTTP URL with the usual path; empty if it has one like it, or is not HTTP.

    As with a relative link, /announce replaces what follows the last slash.
    """
    if url.scheme not in ("http", "https") or "announce" in url.path:
        return ""
    return url._replace(path=f"{url.path.rpartition('/')[0]}/announce").geturl()


def _speaks_tls(url: SplitResult) -> bool:
    """Return whether a TLS handshake succeeds at the host and port, whatever the certificate."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    place = url.hostname or "", url.port or _PORTS[url.scheme]
    try:
        with create_connection(place, _PROBE_S) as plain, context.wrap_socket(plain):
            return True
    except OSError:
        return False
