"""The visitor, as the door writes it and the pages read it."""

import pytest
from aiohttp.test_utils import make_mocked_request
from hypothesis import given
from hypothesis import strategies as st

from tracker.web.visitor import UNKNOWN_HOST, Visitor
from tracker.wire.http_head import decode_head
from tracker.wire.http_page import page_request
from tracker.wire.visit import Visit

CLIENT = bytes((192, 0, 2, 1))


def visitor(visit: Visit, *lines: str) -> Visitor:
    """Write a request as the door does, and read it as a page does."""
    head = decode_head("\r\n".join(["GET / HTTP/1.1", *lines, "", ""]).encode())
    _, *headers = page_request(head, visit).decode().strip().split("\r\n")
    pairs = dict(line.split(": ", 1) for line in headers if ": " in line)
    return Visitor.of(make_mocked_request("GET", "/", pairs))


@pytest.mark.parametrize(
    ("visit", "url"),
    [
        (Visit(True, "a.test", None, CLIENT, True, 8000), "https://a.test"),
        (Visit(False, "a.test", 8100, CLIENT, False, 80), "http://a.test:8100"),
        (Visit(True, "[2001:db8::1]", 8443, bytes(16), False, 443), "https://[2001:db8::1]:8443"),
        (Visit(True, "[2001:db8::1]", None, bytes(16), False, 443), "https://[2001:db8::1]"),
        (Visit(False, "", None, CLIENT, False, 8000), f"http://{UNKNOWN_HOST}"),
    ],
)
def test_pages_read_what_the_door_wrote(visit: Visit, url: str) -> None:
    found = visitor(visit)
    assert url == found.origin_url
    assert (visit.secure, visit.port, visit.client, visit.proxied, visit.local_port) == (
        found.secure,
        found.port,
        found.address,
        found.proxied,
        found.local_port,
    )
    assert (None, frozenset()) == (found.origin, found.accept_encoding)


def test_origin_and_encodings_are_those_of_the_request() -> None:
    visit = Visit(True, "a.test", None, CLIENT, True, 8000)
    found = visitor(visit, "Origin: https://b.test", "Accept-Encoding: br, gzip, zstd")
    assert "https://b.test" == found.origin
    assert frozenset(("br", "gzip")) == found.accept_encoding


def test_a_request_of_the_admin_port_has_no_visitor() -> None:
    found = Visitor.of(make_mocked_request("GET", "/", {}))
    assert ("http", UNKNOWN_HOST, None, b"", False, None) == (
        found.scheme,
        found.host,
        found.port,
        found.address,
        found.proxied,
        found.local_port,
    )


@given(
    st.builds(
        Visit,
        secure=st.booleans(),
        host=st.sampled_from(["a.test", "192.0.2.1", "[::1]"]),
        port=st.none() | st.integers(1, 65_535),
        client=st.binary(min_size=4, max_size=16),
        proxied=st.booleans(),
        local_port=st.integers(1, 65_535),
    )
)
def test_every_visit_survives_the_way(visit: Visit) -> None:
    found = visitor(visit)
    scheme = "https" if visit.secure else "http"
    assert (scheme, visit.host, visit.port) == (found.scheme, found.host, found.port)
    assert (visit.client, visit.local_port) == (found.address, found.local_port)
