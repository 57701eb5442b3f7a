"""The front page, and the statistics in full."""

from aiohttp import web

from tracker.web.render import Renderer
from tracker.web.statistics import SharedStatistics
from tracker.web.urls import AnnounceUrls, needs_key
from tracker.web.visitor import Visitor


class FrontPages:
    """The front page and ``/stats``.

    Args:
        renderer: of the pages.
        statistics: what they show.
        urls: the announce URLs.
    """

    def __init__(
        self, renderer: Renderer, statistics: SharedStatistics, urls: AnnounceUrls
    ) -> None:
        self._renderer = renderer
        self._statistics = statistics
        self._urls = urls

    def add_routes(self, app: web.Application) -> None:
        """Add the routes of this group."""
        app.router.add_get("/", self._front)
        app.router.add_get("/stats", self._stats)

    async def _front(self, request: web.Request) -> web.Response:
        urls = self._urls.of(Visitor.of(request))
        return self._renderer.page(
            request,
            "front.html",
            urls=urls,
            needs_key=needs_key(urls),
            statistics=await self._statistics(),
        )

    async def _stats(self, request: web.Request) -> web.Response:
        return self._renderer.page(request, "stats.html", statistics=await self._statistics())
