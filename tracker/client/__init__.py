"""A client of trackers over UDP, HTTP and WebSocket: one question, one answer, for operators.

The protocol is that of the URL: ``udp://``, ``http://``, ``https://``, ``ws://``, ``wss://``; its
module (and library) is imported when the first such URL is asked.
"""

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from importlib import import_module
from socket import AF_UNSPEC, AddressFamily
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
    return await _in_time(_client(url).announce(url, request, family), timeout_s)


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
    return await _in_time(_client(url).scrape(url, info_hashes, family), timeout_s)


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


async def _in_time(answer: Awaitable[_T], timeout_s: float) -> _T:
    try:
        async with asyncio.timeout(timeout_s):
            return await answer
    except TimeoutError as error:
        raise Unreachable(f"no answer in {timeout_s:g} s") from error
    except OSError as error:
        raise Unreachable(error.strerror or str(error)) from error
    except Malformed as error:
        raise BadReply(error.reason) from error
