"""The pages of the public port: here only composed, each group in a module of its own."""

import asyncio
from collections.abc import Iterable
from typing import Protocol

from aiohttp import web

from tracker.web import server
from tracker.web.assets import Assets
from tracker.web.errors import error_pages
from tracker.web.render import Renderer


class Routes(Protocol):
    """A group of pages."""

    def add_routes(self, app: web.Application) -> None:
        """Add its routes."""


class Pages:
    """The pages of the public port; `protocol` serves one connection.

    Args:
        assets: the files that pages refer to.
        renderer: of the pages, and of errors.
        groups: the groups of pages.
    """

    def __init__(self, assets: Assets, renderer: Renderer, groups: Iterable[Routes]) -> None:
        app = server.application(error_pages(renderer))
        assets.add_routes(app)
        for group in groups:
            group.add_routes(app)
        self._runner = server.runner(app)

    async def start(self) -> None:
        """Get ready to serve; opens no port."""
        await self._runner.setup()

    async def stop(self) -> None:
        """Finish responses that are being written, then close what is left."""
        await self._runner.cleanup()

    def protocol(self) -> asyncio.Protocol:
        """Return a new handler for one connection; it answers one request and closes.

        Hand it a transport with ``connection_made``, and ``data_received`` of the request that
        `tracker.wire.http_page.page_request` wrote.
        """
        assert self._runner.server is not None, "start() first"
        return self._runner.server()
