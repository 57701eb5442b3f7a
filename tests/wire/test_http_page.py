"""Requests for pages, as the library gets them, and its responses, as clients get them."""

import pytest

from tracker.wire.http_head import decode_head
from tracker.wire.http_page import final_head, page_request
from tracker.wire.visit import Visit, visit_of

CLIENT = bytes((192, 0, 2, 1))


def request(first: str, *lines: str, visit: Visit | None = None) -> bytes:
    head = decode_head("\r\n".join([first, *lines, "", ""]).encode("latin-1"))
    reached = visit_of(head, secure=False, client=CLIENT, proxied=False, local_port=8000)
    return page_request(head, visit or reached)


@pytest.mark.parametrize(
    ("first", "line"),
    [
        ("GET / HTTP/1.1", b"GET / HTTP/1.1"),
        ("HEAD /stats?a=b HTTP/1.1", b"HEAD /stats HTTP/1.1"),
        ("GET /stats HTTP/1.0", b"GET /stats HTTP/1.0"),
        ("HEAD * HTTP/1.1", b"HEAD /* HTTP/1.1"),
        ("GET //evil/../x HTTP/1.1", b"GET //evil/../x HTTP/1.1"),
        (f"GET {'/' * 7500} HTTP/1.1", b"GET %b HTTP/1.1" % (b"/" * 512)),
    ],
)
def test_the_library_gets_headers_of_our_own_only(first: str, line: bytes) -> None:
    sent = request(
        first,
        "Host: A.test:81",
        "Expect: foo",
        "Connection: keep-alive, upgrade",
        "Upgrade: h2c",
        "Keep-Alive: timeout=99",
        "TE: trailers",
        "Cookie: x",
        "Visitor-Scheme: https",
        "X-Forwarded-Proto: https",
        "Accept: */*",
        "Accept-Encoding: zstd",
    )
    assert (
        line
        + (
            b"\r\nHost: a.test:81\r\nVisitor-Scheme: http\r\nVisitor-Address: c0000201\r\n"
            b"Visitor-Proxied: 0\r\nVisitor-Local-Port: 8000\r\n"
            b"Visitor-Requested: a.test:81\r\nConnection: close\r\n\r\n"
        )
        == sent
    )


@pytest.mark.parametrize(
    ("line", "sent"),
    [
        ("Accept: text/html,application/xhtml+xml;q=0.9", b"Accept: text/html"),
        ("Accept-Encoding: gzip, deflate, br, zstd", b"Accept-Encoding: br, gzip"),
        ("Accept-Encoding: GZIP;q=0.5", b"Accept-Encoding: gzip"),
        ("Origin: https://site.example:8443", b"Origin: https://site.example:8443"),
        ("Origin: http://[2001:db8::1]", b"Origin: http://[2001:db8::1]"),
        ("Origin: chrome-extension://abc", b"Origin: chrome-extension://abc"),
        ("Origin: null", b"Origin: null"),
    ],
)
def test_what_a_visitor_accepts_is_passed_on_as_far_as_it_is_understood(
    line: str, sent: bytes
) -> None:
    assert b"\r\n" + sent + b"\r\n" in request("GET / HTTP/1.1", "Host: a.test", line)


@pytest.mark.parametrize(
    "line",
    [
        "Accept: application/json",
        "Accept-Encoding: gzip;q=0, br;q=0.000",
        "Accept-Encoding: *",
        "Origin:",
    ],
)
def test_what_is_not_understood_is_left_out(line: str) -> None:
    plain = request("GET / HTTP/1.1", "Host: a.test")
    assert plain == request("GET / HTTP/1.1", "Host: a.test", line)


@pytest.mark.parametrize(
    ("visit", "host"),
    [
        (Visit(False, "", None, CLIENT, False, 8000), b""),
        (Visit(False, "", 99, CLIENT, False, 8000), b""),
        (Visit(True, "[2001:db8::1]", 8443, CLIENT, True, 8000), b"[2001:db8::1]:8443"),
    ],
)
def test_the_host_is_that_of_the_visit(visit: Visit, host: bytes) -> None:
    assert b"\r\nHost: " + host + b"\r\n" in request("GET / HTTP/1.1", visit=visit)


@pytest.mark.parametrize(
    ("target", "start"),
    [
        ("http://b.test:1/stats", b"GET /stats HTTP/1.1\r\nHost: b.test:1\r\n"),
        ("HTTPS://b.test", b"GET / HTTP/1.1\r\nHost: b.test\r\n"),
        ("http://b.test?x", b"GET / HTTP/1.1\r\nHost: b.test\r\n"),
    ],
)
def test_an_absolute_target_names_the_host(target: str, start: bytes) -> None:
    assert request(f"GET {target} HTTP/1.1", "Host: a.test").startswith(start)


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 2",
        b"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\nServer: Python/3",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nKEEP-ALIVE: timeout=5\r\nupgrade: h2c",
    ],
)
@pytest.mark.parametrize(
    ("public", "cors"), [(False, b""), (True, b"Access-Control-Allow-Origin: *\r\n")]
)
def test_every_response_closes_and_has_our_headers(head: bytes, public: bool, cors: bytes) -> None:
    assert (
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Content-Type-Options: nosniff\r\n"
        b"Content-Security-Policy: frame-ancestors 'none'\r\n%b"
        b"Server: tracker-cluster\r\nConnection: close\r\n\r\n"
    ) % cors == final_head(head, public=public)


def test_a_page_keeps_a_stricter_policy_of_its_own() -> None:
    head = final_head(
        b"HTTP/1.1 200 OK\r\nContent-Security-Policy: default-src 'none'", public=True
    )
    assert head is not None
    assert 1 == head.lower().count(b"content-security-policy")


def test_interim_responses_are_dropped() -> None:
    assert final_head(b"HTTP/1.1 100 Continue", public=True) is None
