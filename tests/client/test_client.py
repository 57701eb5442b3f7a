"""What holds for all protocols: URLs, time limits, connections that do not come about."""

import asyncio
import socket
from collections.abc import Iterator

import pytest

from tests.client.trackers import INFO_HASH, PEER_ID
from tests.tools import reserved_port
from tracker.client import (
    AnnounceRequest,
    BadUrl,
    ClientError,
    Unreachable,
    _reason,
    announce,
    scrape,
)
from tracker.client.model import BadReply, Refused
from tracker.frontends.listen import bind_all, bind_tcp, bind_udp

REQUEST = AnnounceRequest(INFO_HASH, PEER_ID, 6881)


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A TCP and UDP port of 127.0.0.1 that takes what comes and never answers."""
    (tcp,), (udp,) = bind_all("127.0.0.1", 0, [bind_tcp, bind_udp])
    with tcp, udp:
        tcp.listen()
        port: int = tcp.getsockname()[1]
        yield port


@pytest.fixture
def closed_port() -> Iterator[int]:
    with reserved_port() as port:
        yield port


@pytest.mark.parametrize(
    "url",
    [
        "",
        "tracker.test",
        "ftp://tracker.test/announce",
        "udp:///announce",
        "udp://tracker.test",
        "udp://tracker.test:0",
        "udp://tracker.test:65536",
        "http://tracker.test:port/announce",
        "http://[::1/announce",
        "ws://",
        "ws://tracker..test/",
    ],
)
async def test_what_is_no_url_of_a_tracker_is_told_so(url: str) -> None:
    with pytest.raises(BadUrl):
        await announce(url, REQUEST)


@pytest.mark.parametrize("scheme", ["udp", "http", "https", "ws", "wss"])
async def test_silence_ends_with_the_timeout(scheme: str, silent_port: int) -> None:
    url = f"{scheme}://127.0.0.1:{silent_port}/announce"
    with pytest.raises(Unreachable, match=r"^no answer in 0\.1 s$"):
        await announce(url, REQUEST, timeout_s=0.1)
    with pytest.raises(Unreachable, match=r"^no answer in 0\.1 s$"):
        await scrape(url, [INFO_HASH], timeout_s=0.1)


@pytest.mark.parametrize("scheme", ["udp", "http", "https", "ws", "wss"])
async def test_a_port_where_nobody_listens_is_told_at_once(scheme: str, closed_port: int) -> None:
    async with asyncio.timeout(5):
        text = f"^cannot reach 127.0.0.1:{closed_port}: Connection refused$"
        with pytest.raises(Unreachable, match=text):
            await announce(f"{scheme}://127.0.0.1:{closed_port}/announce", REQUEST, timeout_s=30)


@pytest.mark.parametrize("scheme", ["udp", "http", "ws"])
async def test_an_address_of_the_other_family_is_not_used(scheme: str, silent_port: int) -> None:
    url = f"{scheme}://127.0.0.1:{silent_port}/announce"
    with pytest.raises(Unreachable):
        await announce(url, REQUEST, timeout_s=5, family=socket.AF_INET6)


def test_errors_are_one_tree_and_carry_a_reason() -> None:
    errors = [BadUrl("a"), Unreachable("b"), BadReply("c"), Refused("d", retry_in_s=60)]
    assert all(isinstance(error, ClientError) for error in errors)
    assert ["a", "b", "c", "d"] == [error.reason for error in errors]


@pytest.mark.parametrize("scheme", ["udp", "http", "https", "ws", "wss"])
async def test_a_name_that_does_not_exist_is_named(scheme: str) -> None:
    text = r"^cannot reach tracker\.invalid:6969: [A-Z][\w ]+$"
    with pytest.raises(Unreachable, match=text):
        await announce(f"{scheme}://tracker.invalid:6969/announce", REQUEST, timeout_s=30)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            "Multiple exceptions: [Errno 111] failed ('::1', 1), [Errno 111] failed ('::2', 1)",
            "Connection refused",
        ),
        ("[Errno 101] x, [Errno 111] y", "Network is unreachable, Connection refused"),
        ("odd", "odd"),
    ],
)
def test_the_errors_of_several_addresses_are_one_reason(text: str, reason: str) -> None:
    assert reason == _reason(OSError(text))
