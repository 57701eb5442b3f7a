"""Heads of requests: what is kept of good ones, and which are none."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tracker.errors import Malformed
from tracker.wire.http_head import END, Head, decode_head

PLAIN = Head(b"GET", b"/a?b=%00", False, True, False, False, None, None, None, None)


def head(*lines: str, first: str = "GET /a?b=%00 HTTP/1.1") -> bytes:
    return "\r\n".join([first, *lines, "", ""]).encode("latin-1")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (head(), PLAIN),
        (head("Host: x", "Accept: */*", "X-Odd: \x80\xff"), replace(PLAIN, host=b"x")),
        (head("Host: x:1", "host: y"), replace(PLAIN, host=b"x:1")),
        (head(first="HEAD * HTTP/1.1"), replace(PLAIN, method=b"HEAD", target=b"*")),
        (
            head(first="PUT http://h:1/a?b?c HTTP/1.1"),
            replace(PLAIN, method=b"PUT", target=b"http://h:1/a?b?c"),
        ),
        (head("Connection: close"), replace(PLAIN, keep_alive=False)),
        (head("connection: foo, CLOSE"), replace(PLAIN, keep_alive=False)),
        (head("Connection: keep-alive"), PLAIN),
        (head(first="GET /a?b=%00 HTTP/1.0"), replace(PLAIN, http10=True, keep_alive=False)),
        (
            head("Connection: Keep-Alive", first="GET /a?b=%00 HTTP/1.0"),
            replace(PLAIN, http10=True),
        ),
        (
            head("Upgrade: WebSocket", "Connection: Upgrade", "Sec-WebSocket-Key: x"),
            replace(PLAIN, websocket=True),
        ),
        (head("Upgrade: websocket", "Connection: Upgrade"), PLAIN),
        (head("Sec-WebSocket-Key: x"), PLAIN),
        (head("Upgrade: h2c", "Connection: Upgrade"), PLAIN),
        (head("Content-Length: 0"), PLAIN),
        (head("Content-Length: 5"), replace(PLAIN, body=True)),
        (head("Transfer-Encoding: chunked"), replace(PLAIN, body=True)),
        (head("X-Forwarded-For: 1.2.3.4"), replace(PLAIN, x_forwarded_for=b"1.2.3.4")),
        (
            head("X-Forwarded-For: 1.2.3.4", "x-forwarded-for: ::1, ::2"),
            replace(PLAIN, x_forwarded_for=b"1.2.3.4,::1, ::2"),
        ),
        (
            head("Forwarded: for=a", "Forwarded: for=b"),
            replace(PLAIN, forwarded=b"for=a,for=b"),
        ),
    ],
)
def test_a_head_is_read(data: bytes, expected: Head) -> None:
    assert expected == decode_head(data)


@pytest.mark.parametrize(
    "data",
    [
        b"garbage\r\n\r\n",
        b"\x16\x03\x01\x02\0\x01\0\r\n\r\n",  # TLS
        b"SSH-2.0-x\r\n\r\n",
        b"GET  HTTP/1.1\r\n\r\n",
        b"GET /a b HTTP/1.1\r\n\r\n",
        b"GET /\x80 HTTP/1.1\r\n\r\n",
        b"get / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\nHost: x\r\n\r\n",  # two requests to one reader, one to another
        b"GET / HTTP/1.1\nHost: x\n\nGET / HTTP/1.1\r\n\r\n",
        head(" X: 1"),
        head("X : 1"),
        head("no colon"),
        head("Content-Length: x"),
        head("Content-Length: -1"),
        head("Content-Length: 1", "Content-Length: 2"),
        head("Content-Length: 5", "Transfer-Encoding: chunked"),
        head(first="GET / HTTP/1.1x"),
        head(first="GET / ICE/1.0"),
        head(first="GET / HTTP/0.9"),
        head(first="GET / HTTP/2.0"),
    ],
)
def test_what_is_no_head_is_malformed(data: bytes) -> None:
    with pytest.raises(Malformed, match="this is not HTTP"):
        decode_head(data)


@given(st.binary(max_size=300) | st.text(max_size=100).map(lambda text: f"GET /{text}".encode()))
def test_any_bytes_are_a_head_or_malformed(data: bytes) -> None:
    with contextlib.suppress(Malformed):
        decode_head(data.replace(END, b"") + END)


@pytest.mark.parametrize("header", ["X-Real-IP: 1.2.3.4", "x-real-ip:1.2.3.4"])
def test_the_header_asked_for_is_kept(header: str) -> None:
    data = head("X-Real-IP: 6.6.6.6", header, "X-Real-IP-Not: 7.7.7.7")
    assert b"1.2.3.4" == decode_head(data, b"x-real-ip").named
    assert decode_head(data).named is None
