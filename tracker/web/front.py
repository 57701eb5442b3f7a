"""The front page and the statistics in full, and the events that keep both up to date."""

import json
from typing import Any

from aiohttp import web

from tracker.web.charts import charts
from tracker.web.render import Renderer
from tracker.web.statistics import SharedStatistics, Statistics, numbers
from tracker.web.urls import AnnounceUrls, needs_key
from tracker.web.visitor import Visitor

MOST_ROWS = 100  # of the table of frontends


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

    async def events(self) -> dict[str, str]:
        """Return what the pages show that changes, as the data of events.

        ``numbers`` has the text of each number. Each other event is named after the part of a page
        whose HTML it has.
        """
        statistics = await self._statistics()
        if statistics.snapshot is None:
            return {}
        parts = {
            f"{chart.id}": self._renderer.part("chart.html", chart=chart)
            for chart in charts(statistics)
        }
        parts["frontends"] = self._renderer.part("frontends.html", **_frontends(statistics))
        return {"numbers": json.dumps(numbers(statistics))} | {
            name: json.dumps(html) for name, html in parts.items()
        }

    async def _front(self, request: web.Request) -> web.Response:
        urls = self._urls.of(Visitor.of(request))
        return self._renderer.page(
            request,
            "front.html",
            urls=urls,
            needs_key=needs_key(urls),
            **_shown(await self._statistics()),
        )

    async def _stats(self, request: web.Request) -> web.Response:
        statistics = await self._statistics()
        return self._renderer.page(
            request, "stats.html", **_shown(statistics), **_frontends(statistics)
        )


def _shown(statistics: Statistics) -> dict[str, Any]:
    """Return what templates need of the statistics."""
    return {"numbers": numbers(statistics), "charts": charts(statistics)}


def _frontends(statistics: Statistics) -> dict[str, Any]:
    """Return the rows of the table of frontends, and how many it leaves out."""
    return {
        "rows": statistics.frontends[:MOST_ROWS],
        "further": max(0, len(statistics.frontends) - MOST_ROWS),
        "now": statistics.at,
    }
