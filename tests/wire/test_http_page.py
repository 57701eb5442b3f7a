"""Requests for pages, as the library gets them, and its responses, as clients get them."""

import pytest

from tracker.wire.http_head import decode_head
from tracker.wire.http_page import final_head, page_request


def request(first: str, *lines: str) -> bytes:
    return page_request(decode_head("\r\n".join([first, *lines, "", ""]).encode("latin-1")))


@pytest.mark.parametrize(
    ("first", "line"),
    [
        ("GET / HTTP/1.1", b"GET / HTTP/1.1"),
        ("HEAD /stats?a=b HTTP/1.1", b"HEAD /stats HTTP/1.1"),
        ("GET /stats HTTP/1.0", b"GET /stats HTTP/1.0"),
        ("HEAD * HTTP/1.1", b"HEAD /* HTTP/1.1"),
        ("GET //evil/../x HTTP/1.1", b"GET //evil/../x HTTP/1.1"),
    ],
)
def test_the_library_gets_method_path_and_host_only(first: str, line: bytes) -> None:
    sent = request(
        first,
        "Host: a.test:80",
        "Expect: foo",
        "Connection: keep-alive, upgrade",
        "Upgrade: h2c",
        "Keep-Alive: timeout=99",
        "TE: trailers",
        "Cookie: x",
    )
    assert line + b"\r\nHost: a.test:80\r\nConnection: close\r\n\r\n" == sent


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


def test_a_request_without_host_gets_an_empty_one() -> None:
    assert b"\r\nHost: \r\n" in request("GET / HTTP/1.0")


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
