"""Files that browsers and robots look for at fixed paths."""

from aiohttp import web

from tracker.web.assets import Assets

ICON_KEPT = "public, max-age=86400"
ROBOTS = "User-agent: *\nAllow: /$\nDisallow: /\n"


class SiteFiles:
    """``/favicon.svg``, ``/favicon.ico`` and ``/robots.txt``."""

    def __init__(self, assets: Assets) -> None:
        self._assets = assets

    def add_routes(self, app: web.Application) -> None:
        """Add the routes of this group."""
        app.router.add_get("/favicon.svg", self._svg)
        app.router.add_get("/favicon.ico", self._ico)
        app.router.add_get("/robots.txt", self._robots)

    async def _svg(self, request: web.Request) -> web.StreamResponse:
        return await self._assets.send(request, "favicon.svg", ICON_KEPT)

    async def _ico(self, request: web.Request) -> web.StreamResponse:
        return await self._assets.send(request, "favicon.ico", ICON_KEPT)

    async def _robots(self, request: web.Request) -> web.Response:
        return web.Response(text=ROBOTS, headers={"Cache-Control": ICON_KEPT})
