"""Asks trackers over HTTP and HTTPS (BEP 3, BEP 48)."""

import asyncio
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from socket import AF_UNSPEC, AddressFamily
from typing import Final

import aiohttp
from yarl import URL

from tracker import __version__
from tracker.client.model import (
    AnnounceReply,
    AnnounceRequest,
    BadReply,
    BadUrl,
    Refused,
    Unreachable,
    to_peers,
)
from tracker.model import Counts, InfoHash
from tracker.wire import http_client as wire
from tracker.wire.compact import format_ip

_MOST_BYTES: Final = 1024 * 1024  # of a reply; thousands of peers take a tenth of it


async def announce(url: str, request: AnnounceRequest, family: AddressFamily) -> AnnounceReply:
    """As `tracker.client.announce`."""
    info_hash, peer_id, port, event, left, numwant = request
    target = wire.announce_url(
        url, info_hash, peer_id, port, event=event, left=left, numwant=numwant
    )
    reply = wire.decode_announce_reply(await _get(target, family))
    if isinstance(reply, wire.ErrorReply):
        raise Refused(reply.reason, reply.retry_in_s)
    return AnnounceReply(
        reply.interval_s,
        reply.min_interval_s,
        reply.seeders,
        reply.leechers,
        reply.completed,
        None if reply.external_ip is None else format_ip(reply.external_ip),
        reply.warning,
        to_peers(reply.peers),
    )


async def scrape(
    url: str, info_hashes: Sequence[InfoHash], family: AddressFamily
) -> Mapping[InfoHash, Counts]:
    """As `tracker.client.scrape`."""
    reply = wire.decode_scrape_reply(await _get(wire.scrape_url(url, info_hashes), family))
    if isinstance(reply, wire.ErrorReply):
        raise Refused(reply.reason, reply.retry_in_s)
    return reply.files


async def _get(url: str, family: AddressFamily) -> bytes:
    """The body of a reply.

    Raises:
        BadReply: another status than 200, a body that is too long, or broken HTTP.
        BadUrl: not one that HTTP knows.
        OSError: no connection.
        Unreachable: the connection broke.
    """
    try:
        target = URL(url, encoded=True)  # the percent-encoding of hashes is ours, byte for byte
    except ValueError as error:
        raise BadUrl(f"{url} is no URL of HTTP") from error
    if family != AF_UNSPEC:  # aiohttp breaks on a host that has no address of the family
        await asyncio.get_running_loop().getaddrinfo(target.host, None, family=family)
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(family=family),
        timeout=aiohttp.ClientTimeout(total=None),  # the caller's holds
        headers={"User-Agent": f"tracker/{__version__}"},
    )
    try:
        async with session, session.get(target) as response:
            if response.status != HTTPStatus.OK:
                raise BadReply(f"HTTP status {response.status} {response.reason}")
            return await _read(response.content)
    except aiohttp.ClientConnectorCertificateError as error:
        raise error.certificate_error from error
    except aiohttp.ClientConnectorError as error:
        raise error.os_error from error  # without aiohttp's words; the caller adds the address
    except aiohttp.ClientConnectionError as error:
        raise Unreachable(str(error)) from error
    except aiohttp.ClientError as error:
        raise BadReply(str(error)) from error


async def _read(content: aiohttp.StreamReader) -> bytes:
    body = b""
    async for chunk in content.iter_any():
        body += chunk
        if len(body) > _MOST_BYTES:
            raise BadReply(f"a reply of more than {_MOST_BYTES} bytes")
    return body
