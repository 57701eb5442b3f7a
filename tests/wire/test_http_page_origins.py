"""Which websites may read a page, and how the library learns which one asks."""

import pytest

from tracker.wire.http_head import decode_head
from tracker.wire.http_page import final_head, page_request
from tracker.wire.visit import visit_of


def request_with(origin: bytes) -> bytes:
    """Return the request for the library that a client's Origin header leads to."""
    head = decode_head(b"GET /ice.json HTTP/1.1\r\nHost: a\r\nOrigin: " + origin + b"\r\n\r\n")
    visit = visit_of(head, secure=False, client=bytes(4), proxied=False, local_port=80)
    return page_request(head, visit)


@pytest.mark.parametrize(
    "origin", [b"https://a.example:8443", b"http://[::1]", b"app://x", b"null"]
)
def test_an_origin_reaches_the_library(origin: bytes) -> None:
    assert b"\r\nOrigin: " + origin + b"\r\n" in request_with(origin)


@pytest.mark.parametrize(
    "origin",
    [b"https://a b", b"HTTPS://a", b"https://a/", b"javascript:alert(1)", b"\xff", b"*"],
)
def test_an_origin_that_is_not_understood_counts_as_a_hidden_one(origin: bytes) -> None:
    assert b"\r\nOrigin: null\r\n" in request_with(origin)


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        (b"", [b"Access-Control-Allow-Origin: *"]),
        (b"Vary: Accept-Encoding\r\n", [b"Access-Control-Allow-Origin: *"]),
        (b"Vary: Origin\r\n", []),
        (
            b"vary: origin\r\nAccess-Control-Allow-Origin: https://a\r\n",
            [b"Access-Control-Allow-Origin: https://a"],
        ),
    ],
)
def test_a_response_that_varies_by_origin_says_itself_who_may_read_it(
    own: bytes, expected: list[bytes]
) -> None:
    head = final_head(b"HTTP/1.1 200 OK\r\n" + own + b"Content-Length: 0", public=True)
    assert head is not None
    found = [line for line in head.split(b"\r\n") if line.startswith(b"Access-Control")]
    assert expected == found
    assert b"X-Content-Type-Options: nosniff" in head
