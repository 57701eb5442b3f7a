"""The client over HTTP, against aiohttp's server."""

import asyncio
import gzip
import ssl

import bencodepy
import pytest
from aiohttp import web
from msgspec.structs import astuple

from tests.client.trackers import (
    COUNTS,
    INFO_HASH,
    OTHER_HASH,
    PEER_ID,
    PEERS,
    PEERS6,
    endpoints,
    http_tracker,
)
from tests.redis_servers import TlsFiles
from tracker.client import (
    AnnounceReply,
    AnnounceRequest,
    BadReply,
    BadUrl,
    Peer,
    Refused,
    Unreachable,
    announce,
    scrape,
)
from tracker.model import Announced, Counts, Event
from tracker.wire import http as wire
from tracker.wire.compact import pack_ip

REQUEST = AnnounceRequest(OTHER_HASH, PEER_ID, 6881, Event.COMPLETED, left=5, numwant=7)
ANNOUNCED = wire.encode_announce(
    Announced(1800, 300, COUNTS, endpoints(PEERS), endpoints(PEERS6)),
    pack_ip("192.0.2.9"),
    compact=True,
    with_peers6=True,
)


def url(port: int, path: str = "/announce") -> str:
    return f"http://127.0.0.1:{port}{path}"


async def test_an_announce_carries_all_it_was_given() -> None:
    targets = []

    def answer(request: web.Request) -> web.Response:
        targets.append(request.raw_path.encode())
        return web.Response(body=ANNOUNCED)

    async with http_tracker(answer) as port:
        reply = await announce(url(port, "/key/announce?a=b"), REQUEST)
    assert reply == AnnounceReply(
        interval_s=1800,
        min_interval_s=300,
        seeders=COUNTS.seeders,
        leechers=COUNTS.leechers,
        completed=COUNTS.completed,
        external_ip="192.0.2.9",
        warning=None,
        peers=tuple(Peer(*peer) for peer in (*PEERS, *PEERS6)),
    )
    (target,) = targets
    to = wire.route(target)
    assert ("announce", "key") == (to.action, to.passkey)
    assert to.query.startswith(b"a=b&")
    sent = wire.decode_announce(to.query)
    expected = (OTHER_HASH, PEER_ID, 6881, Event.COMPLETED, 5, 7, True, (), b"")
    assert expected == astuple(sent)


async def test_what_the_tracker_leaves_out_is_none() -> None:
    body = b"d8:intervali60e5:peers0:15:warning message2:hie"
    async with http_tracker(lambda _: web.Response(body=body)) as port:
        reply = await announce(url(port), REQUEST)
    assert AnnounceReply(60, warning="hi") == reply


async def test_a_compressed_reply_is_read() -> None:
    def answer(_: web.Request) -> web.Response:
        return web.Response(body=gzip.compress(ANNOUNCED), headers={"Content-Encoding": "gzip"})

    async with http_tracker(answer) as port:
        assert (await announce(url(port), REQUEST)).interval_s == 1800


async def test_a_scrape_asks_the_scrape_address_for_each_hash() -> None:
    def answer(request: web.Request) -> web.Response:
        to = wire.route(request.raw_path.encode())
        assert to.action == "scrape"
        hashes, _ = wire.decode_scrape(to.query, 10)
        counts = [Counts(info_hash[0], 0, 1) for info_hash in hashes]
        return web.Response(body=wire.encode_scrape(hashes, counts))

    async with http_tracker(answer) as port:
        counts = await scrape(url(port), [INFO_HASH, OTHER_HASH])
    expected = {INFO_HASH: Counts(INFO_HASH[0], 0, 1), OTHER_HASH: Counts(OTHER_HASH[0], 0, 1)}
    assert expected == counts


async def test_a_failure_reason_is_the_trackers_refusal() -> None:
    body = wire.encode_failure("not on my list", 120)
    async with http_tracker(lambda _: web.Response(body=body)) as port:
        with pytest.raises(Refused, match=r"^not on my list$") as announced:
            await announce(url(port), REQUEST)
        with pytest.raises(Refused, match=r"^not on my list$") as scraped:
            await scrape(url(port), [INFO_HASH])
    assert (120, 120) == (announced.value.retry_in_s, scraped.value.retry_in_s)


@pytest.mark.parametrize(
    ("response", "reason"),
    [
        ({"status": 404, "text": "gone"}, "HTTP status 404 Not Found"),
        ({"body": b""}, "not bencoded"),
        ({"body": b"<html>"}, "not bencoded"),
        ({"body": bencodepy.encode({"interval": 1, "peers": b"12345"})}, "ragged list of peers"),
        ({"body": bencodepy.encode({"peers": b""})}, "no interval"),
        ({"body": bencodepy.encode({"interval": 1, "external ip": b"1"})}, "not a packed IP"),
        ({"body": bytes(1024 * 1024 + 1)}, "more than 1048576 bytes"),
    ],
    ids=["status", "empty", "page", "ragged", "interval", "address", "long"],
)
async def test_a_reply_that_breaks_the_protocol_is_an_error(
    response: dict[str, object], reason: str
) -> None:
    async with http_tracker(lambda _: web.Response(**response)) as port:  # type: ignore[arg-type]
        with pytest.raises(BadReply, match=reason):
            await announce(url(port), REQUEST)


async def test_a_url_that_http_does_not_know_is_told_so() -> None:
    with pytest.raises(BadUrl, match="no URL of HTTP"):
        await announce("http://[::1]x/announce", REQUEST)


async def test_an_address_without_announce_has_no_scrape() -> None:
    async with http_tracker(lambda _: web.Response()) as port:
        with pytest.raises(BadReply, match="no scrape address"):
            await scrape(url(port, "/x"), [INFO_HASH])


async def test_a_tracker_that_does_not_speak_http_is_an_error() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"SSH-2.0-OpenSSH\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(talk, "127.0.0.1", 0) as server:
        with pytest.raises(BadReply):
            await announce(url(server.sockets[0].getsockname()[1]), REQUEST)


async def test_a_certificate_that_nobody_vouches_for_is_not_trusted(tls_files: TlsFiles) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(tls_files.cert, tls_files.key)
    async with http_tracker(lambda _: web.Response(body=ANNOUNCED), ssl=context) as port:
        with pytest.raises(Unreachable, match="CERTIFICATE_VERIFY_FAILED"):
            await announce(f"https://127.0.0.1:{port}/announce", REQUEST)
