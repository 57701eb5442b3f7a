"""What a library writes, and what its client gets."""

import asyncio

import pytest

from tracker.frontends.final_response import FinalResponse

HEAD = b"HTTP/1.1 417 Expectation Failed\r\nContent-Length: 3\r\nServer: Python/3"
SENT = (
    b"HTTP/1.1 417 Expectation Failed\r\nContent-Length: 3\r\nX-Content-Type-Options: nosniff\r\n"
    b"Content-Security-Policy: frame-ancestors 'none'\r\n"
    b"Server: tracker-cluster\r\nConnection: close\r\n\r\nabc"
)


class Wire(asyncio.Transport):
    """What reaches the client."""

    def __init__(self) -> None:
        super().__init__()
        self.sent = b""
        self.closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.sent += data

    def close(self) -> None:
        self.closed = True


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize("before", [b"", b"HTTP/1.1 100 Continue\r\n\r\n"])
def test_the_response_says_that_it_is_the_last(size: int, before: bytes) -> None:
    wire = Wire()
    final = FinalResponse(wire, public=False)
    written = before + HEAD + b"\r\nConnection: keep-alive\r\n\r\nabc"
    for at in range(0, len(written), size):
        final.write(written[at : at + size])
    assert SENT == wire.sent


def test_pieces_and_the_end_are_passed_on() -> None:
    wire = Wire()
    final = FinalResponse(wire, public=False)
    final.writelines([HEAD, b"\r\n\r\n", b"ab"])
    final.write(memoryview(b"c"))
    final.write_eof()
    assert (SENT, True) == (wire.sent, wire.closed)
    assert not final.can_write_eof()
