"""Announces and scrapes over HTTP, from their query to the body of their response."""

from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING

from tracker.errors import Denied, Malformed, TrackerError
from tracker.model import Announce, Announced, Counts, Ip
from tracker.policy.accounts import Account
from tracker.policy.addresses import not_named
from tracker.service.peers import Peers
from tracker.wire.compact import pack
from tracker.wire.http import (
    OPTIONS,
    Route,
    decode_announce,
    decode_scrape,
    encode_announce,
    encode_scrape,
    scrape_size,
)
from tracker.wire.http_head import Head

if TYPE_CHECKING:
    from tracker.frontends.door import Door

TOO_LONG = "too many parameters"  # 8 KiB of "&" would cost as much as ten announces
TLS_HANDSHAKE = b"\x16"  # the first byte of a ClientHello: RFC 8446, section 5.1
SCRAPED_S = 5e-6  # seconds of work after its turn that each info_hash of a scrape causes

Answer = Callable[[bytes | TrackerError], None]  # takes the body, or what is wrong


def ask(door: "Door", peers: Peers, to: Route, ip: Ip, account: Account, answer: Answer) -> None:
    """Serve a request of the client at `ip`; `answer` is called once, at once or later."""
    try:
        if to.action == "announce":
            _announce(door, peers, to.query, ip, account, answer)
        elif to.action == "scrape":
            _scrape(door, peers, to.query, answer)
        elif to.action == "unnamed":
            raise not_named(door.naming_header)
        else:
            raise Denied(f"the announce URL ends with {door.http.paths[0]}")
    except TrackerError as error:
        answer(error)


def refused_head(begun: bytes, most: int) -> tuple[str, HTTPStatus] | None:
    """Return why an incomplete head will be no request, as the label of a metric, and the status.

    A TLS client takes the response in plain HTTP for a record of an unknown version, which it
    reports as "wrong version number", or as a server that does not speak TLS.

    Args:
        begun: the bytes so far.
        most: bytes of a head.
    """
    if begun.startswith(TLS_HANDSHAKE):
        return "tls", HTTPStatus.BAD_REQUEST
    if len(begun) >= most:
        return "head", HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
    return None


def refused_method(head: Head) -> tuple[HTTPStatus, bytes]:
    """Return the status for a request with a body, or of another method than GET and HEAD.

    Returns:
        The whole response, too, if it is not the usual one of that status.
    """
    if head.method in (b"GET", b"HEAD"):
        return HTTPStatus.REQUEST_ENTITY_TOO_LARGE, b""
    if head.method == b"OPTIONS" and not head.body:
        return HTTPStatus.OK, OPTIONS
    return HTTPStatus.METHOD_NOT_ALLOWED, b""


def scrape_units(door: "Door", query: bytes) -> int:
    """Return the units of work of a scrape."""
    return min(scrape_size(query), door.http.max_scrape)


def _announce(
    door: "Door", peers: Peers, query: bytes, ip: Ip, account: Account, answer: Answer
) -> None:
    if query.count(b"&") > door.http.max_fields:
        raise Malformed(TOO_LONG)
    wanted = decode_announce(query)
    port = wanted.port
    if port is None:  # it gets peers like one that does not listen
        door.count_unusable("port")
        port = 0
    announce = Announce(
        wanted.info_hash,
        wanted.peer_id,
        pack(door.named_address(wanted.addresses, ip), port),
        wanted.event,
        wanted.left == 0,
        wanted.numwant,
        True,
        wanted.key,
    )

    def announced(result: Announced | TrackerError) -> None:
        if isinstance(result, TrackerError):
            answer(result)
        else:
            answer(encode_announce(result, ip, wanted.compact, len(ip) == 16))

    peers.announce(announce, account, announced)


def _scrape(door: "Door", peers: Peers, query: bytes, answer: Answer) -> None:
    most = door.http.max_scrape
    if query.count(b"&") > door.http.max_fields + most:
        raise Malformed(TOO_LONG)
    info_hashes, unusable = decode_scrape(query, most)
    if unusable:
        door.count_unusable("info_hash", unusable)
    door.turns.charge(len(info_hashes) * SCRAPED_S)

    def scraped(result: Sequence[Counts] | TrackerError) -> None:
        answer(result if isinstance(result, TrackerError) else encode_scrape(info_hashes, result))

    peers.scrape(info_hashes, scraped)
