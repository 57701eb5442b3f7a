"""Heads of requests: what is kept of good ones, and which are none."""

import contextlib
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tracker.errors import Malformed
from tracker.wire.http_head import END, Head, decode_head, take_empty_body

PLAIN = Head(b"GET", b"/a?b=%00", False, True, b"", False, False, None, None, None, None)
CHUNKED = "Transfer-Encoding: chunked"
KEY = "Sec-WebSocket-Key: x"
HANDSHAKE = (
    b"GET / HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\n"
)


def head(*lines: str, first: str = "GET /a?b=%00 HTTP/1.1") -> bytes:
    return "\r\n".join([first, *lines, "", ""]).encode("latin-1")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (head(), PLAIN),
        (
            head("Host: x", "ACCEPT: */*", "Accept: y", "X-Odd: \x80\xff"),
            replace(PLAIN, host=b"x", page={b"accept": b"*/*"}),
        ),
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
        (head("Upgrade: websocket", "Connection: Upgrade"), PLAIN),
        (head(KEY), PLAIN),
        (head("Upgrade: h2c", "Connection: Upgrade", KEY), PLAIN),
        (head("Upgrade: xwebsocket", "Connection: Upgrade", KEY), PLAIN),
        (
            head("Upgrade: websocket", "Connection: Upgrade", KEY, first="GET /a?b=%00 HTTP/1.0"),
            replace(PLAIN, http10=True, keep_alive=False),  # RFC 9110, section 7.8
        ),
        (head("Content-Length: 0"), PLAIN),
        (head("Content-Length: 000 "), PLAIN),
        (head("Content-Length: 0", "content-length:0"), PLAIN),
        (head("Content-Length: 0", "Host: x", "Content-Length: 0"), replace(PLAIN, host=b"x")),
        (head("Content-Length: 0, 0", "Content-Length: 0 ,0"), PLAIN),
        (head("Content-Length: 5"), replace(PLAIN, body=True)),
        (head(CHUNKED), replace(PLAIN, body=True, chunked=True)),
        (head("Transfer-Encoding:  CHUNKED "), replace(PLAIN, body=True, chunked=True)),
        (
            head(CHUNKED, first="POST /a?b=%00 HTTP/1.1"),
            replace(PLAIN, method=b"POST", body=True),
        ),
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
        head("Content-Length: 5", "Content-Length: 5"),
        head("Content-Length: 5, 5"),
        head("Content-Length: 0", "Content-Length: 5"),
        head("Content-Length: 5", "Content-Length: 0", "Content-Length: 0"),
        head("Content-Length: 0", "Content-Length: 0", " 5"),
        head("Content-Length: 0, 5"),
        head("Content-Length: 0,"),
        head("Content-Length: "),
        head("Content-Length: 5", CHUNKED),
        head("Content-Length: 0", CHUNKED),
        head(CHUNKED, "Content-Length: 0"),
        head("Content-Length: 0", CHUNKED, "Content-Length: 0"),
        head(CHUNKED, CHUNKED),
        head("Transfer-Encoding: identity"),
        head("Transfer-Encoding: gzip, chunked"),
        head("Transfer-Encoding: gzip, chunked", "Upgrade: h2c", "Connection: Upgrade"),
        head("Transfer-Encoding: , chunked"),
        head("Transfer-Encoding: xchunked"),
        head(CHUNKED, first="GET / HTTP/1.0"),
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


@pytest.mark.parametrize(
    "upgrade",
    [
        ("Upgrade: websocket", "Connection: Upgrade"),
        ("Upgrade: WebSocket", "Connection: keep-alive, upgrade"),
        ("Upgrade: h2c, websocket", "Connection: Upgrade, HTTP2-Settings"),
        ("Upgrade: h2c", "Upgrade: websocket", "Connection: Upgrade"),
        ("Upgrade: websocket", "Upgrade: h2c", "Connection: Upgrade"),
        ("Upgrade: websocket", "Connection: keep-alive", "Connection: Upgrade"),
    ],
)
def test_a_websocket_may_be_one_of_several_upgrades(upgrade: tuple[str, ...]) -> None:
    found = decode_head(head(*upgrade, KEY, "Sec-WebSocket-Version: 13", "X: y"))
    assert HANDSHAKE + b"\r\n" == found.websocket


@pytest.mark.parametrize(
    ("headers", "kept"),
    [
        (("Host: h", "Origin: z"), b"host: h\r\norigin: z\r\n\r\n"),
        (("Origin: z", "Host: h", "Host: i", "Origin: y"), b"host: h\r\norigin: z,y\r\n\r\n"),
        (("Origin:",), b"origin: \r\n\r\n"),
    ],
)
def test_a_handshake_names_the_website_that_asks(headers: tuple[str, ...], kept: bytes) -> None:
    right = "Upgrade: websocket", "Connection: Upgrade", KEY, "Sec-WebSocket-Version: 13"
    assert HANDSHAKE + kept == decode_head(head(*right, *headers)).websocket


@pytest.mark.parametrize(
    ("headers", "without"),
    [
        ((KEY, KEY), b"Sec-WebSocket-Key: x\r\n"),
        (("Sec-WebSocket-Version: 8",), b"Version: 13"),
        (("Connection: keep-alive",), b"Connection: Upgrade"),
    ],
)
def test_a_wrong_handshake_stays_wrong(headers: tuple[str, ...], without: bytes) -> None:
    right = "Upgrade: websocket", "Connection: Upgrade", KEY, "Sec-WebSocket-Version: 13"
    name = headers[0].partition(":")[0]
    kept = [each for each in right if not each.startswith(name)]
    handshake = decode_head(head(*kept, *headers)).websocket
    assert handshake.startswith(b"GET / HTTP/1.1\r\n")
    assert without not in handshake


@pytest.mark.parametrize("rest", [b"", b"G", b"GET / HTTP/1.1\r\n\r\n"])
@pytest.mark.parametrize("chunk", [b"0", b"000", b"0;a", b"0 ; a=b", b'0;a="b; c"'])
@pytest.mark.parametrize("trailers", [b"", b"X: y\r\n", b"X: y\r\nEtag:\r\n"])
def test_an_empty_chunked_body_is_taken_off(chunk: bytes, trailers: bytes, rest: bytes) -> None:
    found = decode_head(head(CHUNKED))
    assert (PLAIN, rest) == take_empty_body(found, chunk + b"\r\n" + trailers + b"\r\n" + rest)


@pytest.mark.parametrize(
    "begun", [b"", b"0", b"0\r", b"0\r\n", b"0\r\n\r", b"00", b"0;a", b"0\r\nX: y\r\n"]
)
def test_an_empty_chunked_body_may_be_incomplete(begun: bytes) -> None:
    assert None is take_empty_body(decode_head(head(CHUNKED)), begun)


@pytest.mark.parametrize(
    "rest",
    [
        *(
            b"4\r\nbody\r\n0\r\n\r\n",
            b"04\r\nbody\r\n0\r\n\r\n",
            b"0a\r\n\r\n",
            b"0x0\r\n\r\n",
            b"GET /",
        ),
        *(
            b"0\n\r\n\r\n",
            b"0;a\nb\r\n\r\n",
            b"0;a\rb\r\n\r\n",
            b"0\r\nX y\r\n\r\n",
            b"0\r\n X: y\r\n\r\n",
        ),
        b"0\r\nGET / HTTP/1.1\r\n\r\n",
        b"0\r\n" + 17 * b"X: y\r\n" + b"\r\n",
        17 * b"0" + b"\r\n\r\n",
        b"0;" + 255 * b"a",  # it may end, but each piece of it would cost a reading of the head
    ],
)
def test_any_other_body_stays(rest: bytes) -> None:
    found = decode_head(head(CHUNKED))
    assert (found, rest) == take_empty_body(found, rest)
    assert found.body


def test_a_long_length_costs_little_more_than_another_header() -> None:
    """Such a head is free of charge, apart from its connection."""
    other = _cpu_s(head("X: " + 7900 * "0"))
    assert 10 * other > _cpu_s(head("Content-Length: " + 7900 * "0" + "x"))


def _cpu_s(data: bytes) -> float:
    """The CPU time to read a head, at best."""
    times = []
    for _ in range(50):
        began = time.process_time()
        with contextlib.suppress(Malformed):
            decode_head(data)
        times.append(time.process_time() - began)
    return min(times)
