"""Which websites may use the tracker over WebSocket."""

from collections.abc import AsyncIterator

import pytest

from tests.frontends.clients import get
from tests.frontends.test_websocket import UPGRADE
from tests.nodes import RunningNode, running_node
from tests.redis_servers import RedisServer


@pytest.fixture
async def choosy(redis: RedisServer) -> AsyncIterator[RunningNode]:
    """A tracker for the pages of one website."""
    origins = ("https://example.com", "https://*.example.org")
    async with running_node(redis.url, ws={"origins": origins}) as running:
        yield running


async def shake_hands(tracker: RunningNode, *headers: str) -> bytes:
    """Ask for a WebSocket; returns the response, and its body if it is no WebSocket."""
    peer = await tracker.tcp(protocol="ws")
    await peer.send(get("/", *UPGRADE, *headers))
    head = await peer.reader.readuntil(b"\r\n\r\n")
    return head if b" 101 " in head else head + await peer.reader.read()


@pytest.mark.parametrize(
    "headers",
    [
        ["Origin: https://example.com"],
        ["origin: https://www.example.org"],
        ["Origin: http://tracker.test"],  # the host of the request: the tracker's own pages
        ["Origin: https://tracker.test"],
        [],  # not a browser
    ],
)
async def test_allowed_pages_and_other_programs_get_a_socket(
    choosy: RunningNode, headers: list[str]
) -> None:
    assert b" 101 " in await shake_hands(choosy, *headers)


@pytest.mark.parametrize(
    "headers",
    [
        ["Origin: https://evil.example"],
        ["Origin: null"],
        ["Origin:"],
        ["Origin: \xff"],
        ["Origin: https://example.com", "Origin: https://evil.example"],
        ["Origin: https://evil.example", "Host: evil.example"],  # of two hosts the first counts
    ],
)
async def test_pages_of_other_websites_are_refused_with_the_reason(
    choosy: RunningNode, headers: list[str]
) -> None:
    response = await shake_hands(choosy, *headers)

    assert response.startswith(b"HTTP/1.1 403 Forbidden\r\n")
    assert b"--ws-origins" in response.partition(b"\r\n\r\n")[2]
    assert 1 == choosy.node.metrics.closed["ws", "origin"]
    assert 0 == choosy.node.metrics.closed["ws", "handshake"]


@pytest.mark.parametrize("origin", ["https://any.example", "null", "nonsense"])
async def test_all_pages_get_a_socket_by_default(tracker: RunningNode, origin: str) -> None:
    assert b" 101 " in await shake_hands(tracker, f"Origin: {origin}")
