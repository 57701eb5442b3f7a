"""A client of trackers over UDP, HTTP and WebSocket: one question, one answer, for operators.

The protocol is that of the URL: ``udp://``, ``http://``, ``https://``, ``ws://``, ``wss://``; its
module (and library) is imported when the first such URL is asked.
"""

import asyncio
import os
import re
import ssl
from collections.abc import Awaitable, Mapping, Sequence
from importlib import import_module
from socket import AF_UNSPEC, AddressFamily, gaierror
from typing import Final, Protocol, TypeVar, cast
from urllib.parse import urlsplit

from tracker.client.model import (
    AnnounceReply,
    AnnounceRequest,
    BadReply,
    BadUrl,
    ClientError,
    Peer,
    Refused,
    Unreachable,
)
from tracker.errors import Malformed
from tracker.model import Counts, InfoHash

__all__ = [
    "SCHEMES",
    "AnnounceReply",
    "AnnounceRequest",
    "BadReply",
    "BadUrl",
    "ClientError",
    "Peer",
    "Refused",
    "Unreachable",
    "announce",
    "scrape",
]

_T = TypeVar("_T")
_MODULES: Final = {"udp": "udp", "http": "http", "https": "http", "ws": "ws", "wss": "ws"}
_NUMBER: Final = re.compile(r"\[Errno (\d+)\]")
SCHEMES: Final = tuple(_MODULES)  # of the URLs that can be asked


class _Client(Protocol):
    """What the module of a protocol has; its functions also raise OSError and `Malformed`."""

    async def announce(
        self, url: str, request: AnnounceRequest, family: AddressFamily
    ) -> AnnounceReply: ...

    async def scrape(
        self, url: str, info_hashes: Sequence[InfoHash], family: AddressFamily
    ) -> Mapping[InfoHash, Counts]: ...


async def announce(
    url: str,
    request: AnnounceRequest,
    timeout_s: float = 10.0,
    family: AddressFamily = AF_UNSPEC,
) -> AnnounceReply:
    """Announce to the tracker at `url`, over IPv4, IPv6 or whichever answers.

    Raises:
        ClientError: for whatever reason there is no answer.
    """
    return await _in_time(url, _client(url).announce(url, request, family), timeout_s)


async def scrape(
    url: str,
    info_hashes: Sequence[InfoHash],
    timeout_s: float = 10.0,
    family: AddressFamily = AF_UNSPEC,
) -> Mapping[InfoHash, Counts]:
    """The counts of swarms, from the tracker at `url`; it may leave out those unknown to it.

    Raises:
        ClientError: for whatever reason there is no answer.
    """
    return await _in_time(url, _client(url).scrape(url, info_hashes, family), timeout_s)


def _client(url: str) -> _Client:
    try:
        split = urlsplit(url)
        name = (split.hostname or "").encode("idna")
        usable = split.scheme in _MODULES and name and split.port != 0
    except ValueError:  # a host or a port that cannot be
        usable = False
    if not usable:
        raise BadUrl(f"{url} is no tracker's URL ({', '.join(_MODULES)})")
    return cast(_Client, import_module(f"tracker.client.{_MODULES[split.scheme]}"))


async def _in_time(url: str, answer: Awaitable[_T], timeout_s: float) -> _T:
    try:
        async with asyncio.timeout(timeout_s):
            return await answer
    except TimeoutError as error:
        raise Unreachable(f"no answer in {timeout_s:g} s") from error
    except OSError as error:
        raise Unreachable(f"cannot reach {_address(url)}: {_reason(error)}") from error
    except Malformed as error:
        raise BadReply(error.reason) from error


def _address(url: str) -> str:
    """Return the host and the port of `url`, as a log or an operator would write them."""
    split = urlsplit(url)
    host = split.hostname or ""
    port = split.port or (443 if split.scheme in ("https", "wss") else 80)
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _reason(error: OSError) -> str:
    """Return what the system says of `error`, without the words of asyncio and of libraries."""
    match error:
        case ssl.SSLCertVerificationError():
            return f"{error.reason}: {error.verify_message}"
        case ssl.SSLError():
            return error.reason or str(error)
        case gaierror():
            return str(error.strerror)
    # Asyncio joins the errors of several addresses into one text.
    numbers = [error.errno] if error.errno else map(int, _NUMBER.findall(str(error)))
    return ", ".join(dict.fromkeys(map(os.strerror, numbers))) or str(error)
