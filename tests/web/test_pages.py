import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.nodes import running_node
from tests.redis_servers import RedisServer, TlsFiles
from tracker.frontends.tls import server_context
from tracker.model import Activity, Snapshot, SwarmSize, Totals
from tracker.settings import TlsSettings
from tracker.web.pages import Pages, Stats, announce_urls, render_stats
from tracker.web.server import OneResponse

PORTS = {"http": None, "udp": None, "ws": None}
TOTALS = Totals(1_700_000_000, 11, 12, 13, 14, 15, 16, 17, 18)
SWARM = SwarmSize(b"secret info_hash ...", False, 14, 13)
CLUSTER = Snapshot(
    TOTALS,
    frontends=19,
    rates={"http": 20.04, "udp": 21.0},
    activity={b"frontID1": Activity(0.0, {"http": 22}, {"http": 20.04, "udp": 21.0})},
    top=[SWARM],
)
STATS = Stats(
    version="1.2.3",
    uptime_s=61,
    cluster=CLUSTER,
    sockets={"tcp": 7, "ws": 3},
    requests={
        ("udp", "announce", "ok"): 5,
        ("http", "announce", "ok"): 2,
        ("http", "announce", "malformed"): 1,
    },
)
UNKNOWN = Stats(version="1.2.3", uptime_s=0, cluster=None, sockets={}, requests={})


class Given:
    """What the pages will be told."""

    stats = STATS

    async def __call__(self) -> Stats:
        return self.stats


@pytest.fixture
def given_stats() -> Given:
    return Given()


class FrontDoor(asyncio.Protocol):
    """Hands its connection over to the pages once it has read a head, as the door does."""

    def __init__(self, pages: Pages) -> None:
        self.pages, self.head = pages, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.head += data
        if b"\r\n\r\n" in self.head:
            protocol = OneResponse(self.pages.protocol())
            self.transport.set_protocol(protocol)
            protocol.connection_made(self.transport)
            protocol.data_received(self.head)


@pytest.fixture
async def door(given_stats: Given) -> AsyncIterator[int]:
    """The port of a door that hands every connection to the pages."""
    pages = Pages(given_stats, PORTS)
    await pages.start()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: FrontDoor(pages), "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()
    await pages.stop()


async def ask(port: int, *pieces: bytes) -> tuple[bytes, dict[str, str], bytes]:
    """Send the pieces, read until the end: status line, headers, body."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for piece in pieces:
        writer.write(piece)
        await writer.drain()
    reply = await asyncio.wait_for(reader.read(), 5)
    writer.close()
    head, _, body = reply.partition(b"\r\n\r\n")
    status, *lines = head.split(b"\r\n")
    return status, dict(line.decode().split(": ", 1) for line in lines), body


def get(path: str, host: str = "tracker.example:8000") -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode("latin-1")


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "text/html; charset=utf-8"),
        ("/stats", "text/html; charset=utf-8"),
        ("/stats.json", "application/json; charset=utf-8"),
    ],
)
async def test_each_page_closes_its_connection_and_is_not_kept(
    door: int, path: str, kind: str
) -> None:
    status, headers, body = await ask(door, get(path))
    assert b"HTTP/1.1 200 OK" == status
    assert (kind, "close", "no-store", str(len(body))) == (
        headers["Content-Type"],
        headers["Connection"],
        headers["Cache-Control"],
        headers["Content-Length"],
    )


async def test_a_head_in_pieces_is_handed_over_whole(door: int) -> None:
    status, _, _ = await ask(door, b"GET /st", b"ats HTTP/1.1\r\nHost: a\r\n", b"\r\n")
    assert b"HTTP/1.1 200 OK" == status


async def test_a_pipelined_second_request_is_not_answered(door: int) -> None:
    _, _, body = await ask(door, get("/stats.json") + get("/stats.json"))
    json.loads(body)


async def test_head_is_answered_without_a_body(door: int) -> None:
    status, headers, body = await ask(door, get("/").replace(b"GET", b"HEAD"))
    assert (b"HTTP/1.1 200 OK", b"") == (status, body)
    assert int(headers["Content-Length"]) > 0


@pytest.mark.parametrize("path", ["/nothing", "/stats/", "//", "/%2e%2e/etc/passwd", "/stats.xml"])
async def test_other_paths_are_not_found(door: int, path: str) -> None:
    status, headers, _ = await ask(door, get(path))
    assert b"HTTP/1.1 404 Not Found" == status
    assert ("text/plain; charset=utf-8", "close") == (
        headers["Content-Type"],
        headers["Connection"],
    )


async def test_other_methods_are_refused_before_their_body_is_read(door: int) -> None:
    head = b"POST /stats HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nfirst bytes"
    status, headers, _ = await ask(door, head)
    assert b"HTTP/1.1 405 Method Not Allowed" == status
    assert ("GET,HEAD", "close") == (headers["Allow"], headers["Connection"])


@pytest.mark.parametrize(
    "request_",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nbad header\r\n\r\n",
        b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
    ],
)
async def test_broken_requests_get_a_status_and_the_next_works(door: int, request_: bytes) -> None:
    status, _, _ = await ask(door, request_)
    assert status.startswith((b"HTTP/1.0 400", b"HTTP/1.1 400"))
    assert b"HTTP/1.1 200 OK" == (await ask(door, get("/")))[0]


async def test_who_never_ends_a_head_is_cut_off(
    given_stats: Given, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For a door that hands over too early; ours does not."""
    monkeypatch.setattr(webapp, "HEAD_TIMEOUT_S", 0.1)
    pages = Pages(given_stats, PORTS)
    await pages.start()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(pages.protocol, "127.0.0.1", 0)
    status, _, _ = await ask(server.sockets[0].getsockname()[1], b"GET / HTTP/1.1\r\n")
    assert b"" == status
    server.close()
    await pages.stop()


async def test_statistics_as_json(door: int) -> None:
    _, _, body = await ask(door, get("/stats.json"))
    expected = {
        "version": "1.2.3",
        "uptime_s": 61,
        "totals": {
            "counted_at": 1_700_000_000,
            "swarms": 11,
            "browser_swarms": 12,
            "ipv4_seeders": 13,
            "ipv4_leechers": 14,
            "ipv6_seeders": 15,
            "ipv6_leechers": 16,
            "browser_seeders": 17,
            "browser_leechers": 18,
        },
        "frontends": 19,
        "requests_per_second": {"http": 20.0, "udp": 21.0},
        "sockets": {"tcp": 7, "ws": 3},
        "requests": {
            "http": {"announce": {"malformed": 1, "ok": 2}},
            "udp": {"announce": {"ok": 5}},
        },
    }
    assert expected == json.loads(body)


async def test_what_is_not_known_is_null(door: int, given_stats: Given) -> None:
    given_stats.stats = UNKNOWN
    _, _, body = await ask(door, get("/stats.json"))
    found = json.loads(body)
    assert [None] * 3 == [found[name] for name in ("totals", "frontends", "requests_per_second")]
    _, _, page = await ask(door, get("/stats"))
    assert b"Not known yet" in page


def test_all_numbers_are_on_the_page() -> None:
    page = render_stats(STATS)
    numbers = (*TOTALS[1:], CLUSTER.frontends, 20.0, 21.0)
    for value in (*numbers, *STATS.sockets.values(), *STATS.requests.values()):
        assert f"<td>{value}</td>" in page


@pytest.mark.parametrize("path", ["/stats", "/stats.json"])
async def test_no_info_hash_and_no_frontend_is_named(door: int, path: str) -> None:
    _, _, body = await ask(door, get(path))
    secrets = (SWARM.info_hash, *CLUSTER.activity)
    shown = [form for secret in secrets for form in (secret, secret.hex().encode())]
    assert not [form for form in shown if form in body]


async def test_the_front_page_gives_the_announce_urls(door: int) -> None:
    _, _, body = await ask(door, get("/"))
    for url in (
        b"http://tracker.example:8000/announce",
        b"udp://tracker.example:8000/announce",
        b"ws://tracker.example:8000/",
    ):
        assert b"<code>%b</code>" % url in body


@pytest.mark.parametrize(
    ("host", "ports", "secure", "expected"),
    [
        ("a.example", {"http": None}, False, "http://a.example/announce"),
        ("a.example", {"http": None}, True, "https://a.example/announce"),
        ("a.example:8443", {"ws": None}, True, "wss://a.example:8443/"),
        ("a.example", {"udp": None}, False, "udp://a.example:80/announce"),
        ("a.example", {"udp": None}, True, "udp://a.example:443/announce"),
        ("a.example:8000", {"udp": 6969}, True, "udp://a.example:6969/announce"),
        ("[2001:db8::1]:80", {"udp": None}, False, "udp://[2001:db8::1]:80/announce"),
        ("[2001:db8::1]", {"http": 8000}, False, "http://[2001:db8::1]:8000/announce"),
        ("", {"http": None}, False, "http://HOST:PORT/announce"),
        ("evil<script>", {"http": None}, False, "http://HOST:PORT/announce"),
        ("a b:1", {"http": 8000}, False, "http://HOST:8000/announce"),
    ],
)
def test_announce_urls(
    host: str, ports: dict[str, int | None], secure: bool, expected: str
) -> None:
    assert [expected] == announce_urls(host, ports, secure=secure)


async def test_the_front_page_shows_the_path_that_is_served(redis: RedisServer) -> None:
    http = {"paths": ("/KEY/announce", "/announce.php")}
    async with running_node(redis.url, http=http) as tracker:
        page = await (await tracker.tcp()).ask(get("/"))
    assert b"/KEY/announce</code>" in page.body


class Tags(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.seen: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)


@given(st.text())
def test_no_host_and_no_label_makes_markup(text: str) -> None:
    (url,) = announce_urls(text, {"http": None}, secure=False)
    assert not set("<>&'\"") & set(url)
    page = render_stats(
        Stats(version=text, uptime_s=0, cluster=None, sockets={text: 1}, requests={(text,) * 3: 1})
    )
    assert {"h2", "p", "table", "tr", "th", "td"} == Tags(page).seen


async def test_a_visitor_over_tls_sees_tls_urls(given_stats: Given, tls_files: TlsFiles) -> None:
    pages = Pages(given_stats, PORTS)
    await pages.start()
    context = server_context(TlsSettings(cert=tls_files.cert, key=tls_files.key))
    server = await asyncio.get_running_loop().create_server(
        lambda: FrontDoor(pages), "127.0.0.1", 0, ssl=context
    )
    reader, writer = await asyncio.open_connection(
        *server.sockets[0].getsockname(),
        ssl=ssl.create_default_context(cafile=tls_files.ca),
        server_hostname="localhost",
    )
    writer.write(get("/"))
    body = await asyncio.wait_for(reader.read(), 5)
    assert b"<code>https://tracker.example:8000/announce</code>" in body
    assert b"<code>wss://tracker.example:8000/</code>" in body
    writer.close()
    server.close()
    await pages.stop()


async def test_stop_cuts_who_is_still_there(given_stats: Given) -> None:
    pages, accepted = Pages(given_stats, PORTS), asyncio.Event()
    await pages.start()

    def accept() -> asyncio.Protocol:
        accepted.set()
        return pages.protocol()

    server = await asyncio.get_running_loop().create_server(accept, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    await accepted.wait()
    server.close()
    await pages.stop()
    assert b"" == await asyncio.wait_for(reader.read(), 5)
    writer.close()
