"""Browsers that a test moves itself, each from an address of its choice."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from websockets.asyncio.client import connect

from tests.frontends.clients import Browser, offers, text

ARRIVES_S = 2.0  # the longest that a relayed message takes
ABSENT_S = 0.5  # after this time without a message, none is expected


@asynccontextmanager
async def browser(port: int, source: str, peer_id: bytes) -> AsyncIterator[Browser]:
    """A connected browser at the address `source`."""
    url = f"ws://127.0.0.1:{port}/"
    async with connect(
        url, local_addr=(source, 0), compression=None, ping_interval=None, proxy=None
    ) as socket:
        yield Browser(socket, peer_id)


async def next_with(browser: Browser, field: str) -> dict[str, Any]:
    """Return the next message that has a field; others are discarded.

    Raises:
        TimeoutError: none comes within `ARRIVES_S`.
    """
    async with asyncio.timeout(ARRIVES_S):
        while field not in (message := await browser.hear()):
            pass
    return message


async def gets_none(browser: Browser, field: str) -> bool:
    """Whether no message with that field comes within `ABSENT_S`."""
    with suppress(TimeoutError):
        async with asyncio.timeout(ABSENT_S):
            while field not in await browser.hear():
                pass
        return False
    return True


async def offer(browser: Browser, info_hash: bytes, number: int, *, copies: int = 1) -> list[str]:
    """Announce with `copies` offers, which go to different browsers; return their ids."""
    some = offers(copies, number)
    await browser.say(**browser.request(info_hash=text(info_hash), offers=some, numwant=copies))
    await next_with(browser, "interval")
    return [each["offer_id"] for each in some]


async def join(browser: Browser, info_hash: bytes, **changed: object) -> dict[str, Any]:
    """Announce without an offer; returns the answer."""
    await browser.say(**browser.request(info_hash=text(info_hash), **changed))
    async with asyncio.timeout(ARRIVES_S):
        while True:
            message = await browser.hear()
            if "interval" in message or "failure reason" in message:
                return message
