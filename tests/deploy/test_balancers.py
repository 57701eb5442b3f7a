"""haproxy as shipped: what one address may use, and what never reaches a frontend."""

import re
import socket
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

import pytest

from tests.cluster.hosts import Host, hosts
from tests.deploy.balancers import haproxy, listens, names, stats, until
from tests.tools import MORTAL, require
from tests.tracker_process import COMMAND
from tracker.wire.http import PUBLIC, SERVER

CONNECTIONS, REQUESTS = 60, 200  # of one address, instead of the defaults
BALANCER6 = "fd77::1"
HASH = "%01" * 20
ANNOUNCE = f"GET /announce?info_hash={HASH}&peer_id={HASH}&port=6881&left=1 HTTP/1.1"
UPGRADE = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13"
WEBSOCKET = f"GET / HTTP/1.1\r\n{UPGRADE}\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg=="
METRIC = re.compile(r"^(\w+)\{proxy=\"clients\"\} (\d+)$", re.MULTILINE)

pytestmark = pytest.mark.timeout(120)


class Place(NamedTuple):
    """A load balancer before one frontend, and hosts of clients: one for each thing tried."""

    balancer: Host
    frontend: Host
    tls: Host  # whose forwarded addresses haproxy uses
    good: Host
    keeps: Host
    reconnects: Host
    asks: Host
    odd: Host


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    """All of it is running."""
    with hosts(*Place._fields) as places, ExitStack() as stack:
        place = Place(*places)
        with place.frontend.inside():
            process = subprocess.Popen(
                [
                    *(*MORTAL, *COMMAND, "--port", "80", "--admin", "0.0.0.0:8001"),
                    *("--only", "http,ws", "--no-keep", "--trusted-proxies", place.balancer.ip),
                ],
                stdout=subprocess.DEVNULL,
            )
        stack.callback(process.wait, 15)
        stack.callback(process.terminate)
        until(lambda: listens(place.frontend, 80))
        stack.enter_context(names(place.balancer, {"http": [place.frontend.ip]}))
        stack.enter_context(
            haproxy(
                place.balancer,
                "haproxy.cfg",
                DESCRIPTORS="2000",
                CONNECTIONS_PER_ADDRESS=str(CONNECTIONS),
                REQUESTS_PER_ADDRESS=str(REQUESTS),
                CADDY=place.tls.ip,
                ADMIN=f"{place.balancer.ip}:8405",
            )
        )
        for host, *addresses in (
            (place.balancer, BALANCER6),
            (place.odd, "fd77:0:0:1::1", "fd77:0:0:1::2", "fd77:0:0:2::1"),
        ):
            with host.inside():
                for ip in addresses:
                    add = ("address", "add", f"{ip}/48", "dev", "eth0", "nodad")
                    subprocess.run([require("ip"), *add], check=True, timeout=10)
        until(lambda: "200" in ask(place, place.good, ANNOUNCE).status)
        yield place


class Answer(NamedTuple):
    """An HTTP response; the status is empty if the connection closed without one."""

    status: str
    body: str
    headers: Sequence[tuple[str, str]] = ()


@contextmanager
def connected(place: Place, client: Host, port: int = 80) -> Iterator[socket.socket]:
    """A connection of a client to the load balancer."""
    with client.inside():
        connection = socket.create_connection((place.balancer.ip, port), 5)
    with connection:
        connection.settimeout(10)
        yield connection


def ask(place: Place, client: Host, request: str, body: str = "", port: int = 80) -> Answer:
    """Send one request on a connection of its own."""
    try:
        with connected(place, client, port) as connection:
            return exchange(connection, request, body)
    except ConnectionResetError:
        return Answer("", "")


def exchange(connection: socket.socket, request: str, body: str = "") -> Answer:
    """Send one request; its answer."""
    try:
        connection.sendall(f"{request}\r\nHost: tracker\r\n\r\n{body}".encode())
        with connection.makefile("rb") as reply:
            status = reply.readline().decode("latin-1").strip()
            headers = []
            while (line := reply.readline().decode("latin-1").strip()) and status:
                name, _, value = line.partition(":")
                headers.append((name.lower(), value.strip()))
            size = int(dict(headers).get("content-length", "0"))
            return Answer(status, reply.read(size).decode("latin-1"), headers)
    except (ConnectionResetError, BrokenPipeError):
        return Answer("", "")


def refused(connect: Callable[[], socket.socket]) -> bool:
    """Whether haproxy closes a connection at once, perhaps before `connect` returns."""
    try:
        with connect() as connection:
            return not exchange(connection, ANNOUNCE).status
    except ConnectionResetError:
        return True


def refusals(place: Place) -> dict[str, int]:
    """Return the counters of haproxy's frontend, as its exporter shows them."""
    with place.good.inside():
        connection = socket.create_connection((place.balancer.ip, 8405), 5)
    with connection, connection.makefile("r") as reply:
        connection.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
        return {name: int(value) for name, value in METRIC.findall(reply.read())}


def served(place: Place) -> bool:
    """Whether another client is served meanwhile."""
    return "200" in ask(place, place.good, ANNOUNCE).status


def test_a_client_is_known_by_the_address_of_its_connection(place: Place) -> None:
    answer = ask(place, place.good, f"{ANNOUNCE}\r\nX-Forwarded-For: 192.0.2.9")
    assert external(place.good.ip) in answer.body


def external(ip: str) -> str:
    """The part of an answer that names the client's address (BEP 24)."""
    return "11:external ip4:" + socket.inet_aton(ip).decode("latin-1")


def test_open_connections_of_one_address_are_limited(place: Place) -> None:
    before = refusals(place)
    with ExitStack() as stack:
        held = [stack.enter_context(connected(place, place.keeps)) for _ in range(CONNECTIONS)]
        assert all("101" in exchange(each, WEBSOCKET).status for each in held)
        assert not ask(place, place.keeps, ANNOUNCE).status
        assert served(place)
    until(lambda: "200" in ask(place, place.keeps, ANNOUNCE).status)
    name = "haproxy_frontend_denied_connections_total"
    assert refusals(place)[name] > before[name]


def test_new_connections_of_one_address_are_limited(place: Place) -> None:
    asked = [ask(place, place.reconnects, ANNOUNCE).status for _ in range(2 * CONNECTIONS + 5)]
    assert all("200" in each for each in asked[: 2 * CONNECTIONS])
    assert not asked[-1]
    assert served(place)


def test_requests_of_one_address_are_limited(place: Place) -> None:
    before = refusals(place)
    with connected(place, place.asks) as connection:
        asked = [exchange(connection, ANNOUNCE).status for _ in range(2 * REQUESTS + 5)]
    assert all("200" in each for each in asked[:REQUESTS])
    assert "429" in asked[REQUESTS]
    assert not asked[-1]  # it went on asking, and lost its connection
    assert served(place)
    name = "haproxy_frontend_requests_denied_total"
    assert refusals(place)[name] > before[name]


def test_an_ipv6_client_is_its_prefix_of_64_bits(place: Place) -> None:
    def connect(source: str) -> socket.socket:
        with place.odd.inside():
            connection = socket.create_connection((BALANCER6, 80), 5, (source, 0))
        connection.settimeout(5)
        return connection

    with ExitStack() as stack:
        for number in range(CONNECTIONS):
            one = stack.enter_context(connect(f"fd77:0:0:1::{1 + number % 2}"))
            assert "101" in exchange(one, WEBSOCKET).status
        assert refused(lambda: connect("fd77:0:0:1::2"))
        with connect("fd77:0:0:2::1") as other:
            assert "200" in exchange(other, ANNOUNCE).status


def test_a_table_shows_what_an_address_uses(place: Place) -> None:
    with connected(place, place.good) as connection:
        assert "200" in exchange(connection, ANNOUNCE).status
        shown = stats(place.balancer, "show table addresses")
    entry = next(line for line in shown.splitlines() if place.good.ip in line)
    assert re.search(r"conn_cur=[1-9].* http_req_rate\(10000\)=[1-9]", entry)


def test_addresses_forwarded_by_caddy_have_limits_of_their_own(place: Place) -> None:
    def ask_for(ip: str) -> Answer:
        with connected(place, place.tls, 8080) as connection:
            return exchange(connection, f"{ANNOUNCE}\r\nX-Forwarded-For: {ip}")

    asked = [ask_for("192.0.2.1") for _ in range(REQUESTS + 1)]
    assert all(external("192.0.2.1") in each.body for each in asked[:REQUESTS])
    assert "429" in asked[-1].status
    assert external("192.0.2.2") in ask_for("192.0.2.2").body
    with ExitStack() as stack:
        for _ in range(CONNECTIONS):
            connection = stack.enter_context(connected(place, place.tls, 8080))
            status = exchange(connection, f"{WEBSOCKET}\r\nX-Forwarded-For: 192.0.2.3").status
            assert "101" in status
        assert "429" in ask_for("192.0.2.3").status
        assert "200" in ask_for("192.0.2.4").status


def test_no_other_host_can_forward_addresses(place: Place) -> None:
    request = f"{ANNOUNCE}\r\nX-Forwarded-For: 192.0.2.1"
    assert not ask(place, place.good, request, port=8080).status


FORGED = "\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: b.test\r\nX-Forwarded-Port: 1"


def announce_urls(answer: Answer) -> list[str]:
    """Return the announce URLs that a front page shows."""
    return re.findall(r'<code id="url-\d">([^<]*)</code>', answer.body)


def test_only_caddy_reports_the_url_that_a_visitor_used(place: Place) -> None:
    direct = ask(place, place.good, f"GET / HTTP/1.1{FORGED}")
    assert {"http://tracker/announce", "ws://tracker/"} <= {*announce_urls(direct)}
    with connected(place, place.tls, 8080) as connection:
        visitor = "X-Forwarded-For: 192.0.2.9\r\nX-Forwarded-Proto: https"
        page = exchange(connection, f"GET / HTTP/1.1\r\n{visitor}")
    assert {"https://tracker/announce", "wss://tracker/"} <= {*announce_urls(page)}


def test_an_expectation_is_not_passed_on(place: Place) -> None:
    for _ in range(5):
        assert "200" in ask(place, place.good, f"{ANNOUNCE}\r\nExpect: foo").status
        assert "200" in ask(place, place.good, "GET / HTTP/1.1\r\nExpect: foo").status
        assert "8:interval" in ask(place, place.good, ANNOUNCE).body


@pytest.mark.parametrize(
    ("request_", "body", "status"),
    [
        ("POST / HTTP/1.1\r\nContent-Length: 4", "body", "405"),
        ("GET / HTTP/1.1\r\nContent-Length: 4", "body", "413"),
        ("GET / HTTP/1.1\r\nTransfer-Encoding: chunked", "4\r\nbody\r\n0\r\n\r\n", "413"),
        ("GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2", "body", "400"),
        (f"GET / HTTP/1.1\r\nCookie: {'a' * 8192}", "", "400"),
        ("GET / HTTP/1.1" + "\r\nA: b" * 100, "", "400"),
    ],
    ids=["POST", "body", "chunks", "two lengths", "long", "many headers"],
)
def test_a_frontend_sees_no_odd_request(
    place: Place, request_: str, body: str, status: str
) -> None:
    answer = ask(place, place.good, request_, body)
    assert status in answer.status
    if status != "400":  # which haproxy sends before any rule
        assert headers_of_ours() <= set(answer.headers)


def headers_of_ours() -> set[tuple[str, str]]:
    """Return the headers that every response of the tracker carries."""
    ours = {"Server": SERVER, **PUBLIC}
    return {(name.lower(), value) for name, value in ours.items()}


def test_the_policy_of_a_page_is_kept(place: Place) -> None:
    headers = ask(place, place.good, "GET / HTTP/1.1").headers
    (policy,) = [value for name, value in headers if name == "content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert len({name for name, _ in headers}) == len(headers)


def test_a_scrape_of_a_hundred_hashes_is_not_too_long(place: Place) -> None:
    hashes = "&".join(f"info_hash={HASH}" for _ in range(100))
    assert "200" in ask(place, place.good, f"GET /scrape?{hashes} HTTP/1.1").status


def test_a_slow_request_ends_soon(place: Place) -> None:
    with connected(place, place.good) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 408")
