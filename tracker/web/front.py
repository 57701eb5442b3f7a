"""The front page and the statistics in full, and the events that keep both up to date."""

import json
from typing import NamedTuple

from aiohttp import web
from markupsafe import Markup

from tracker.web.charts import charts
from tracker.web.render import Renderer
from tracker.web.statistics import SharedStatistics, Statistics, numbers
from tracker.web.urls import AnnounceUrls, needs_key
from tracker.web.visitor import Visitor

MOST_ROWS = 100  # of the table of frontends


class Shown(NamedTuple):
    """What the pages show of statistics, as templates get it."""

    numbers: dict[str, str]  # text of each number by name; empty: nothing is known
    charts: list[str]  # names of those parts that are charts
    parts: dict[str, Markup]  # HTML of each part of a page by name


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
        self._last: tuple[Statistics, Shown] | None = None

    def add_routes(self, app: web.Application) -> None:
        """Add the routes of this group."""
        app.router.add_get("/", self._front)
        app.router.add_get("/stats", self._stats)

    async def events(self) -> dict[str, str]:
        """Return what the pages show that changes, as the data of events.

        ``numbers`` has the text of each number. Each other event is named after the part of a page
        whose HTML it has.
        """
        shown = self._shown(await self._statistics())
        if not shown.numbers:
            return {}
        return {"numbers": json.dumps(shown.numbers)} | {
            name: json.dumps(html) for name, html in shown.parts.items()
        }

    async def _front(self, request: web.Request) -> web.Response:
        urls = self._urls.of(Visitor.of(request))
        shown = self._shown(await self._statistics())
        return self._renderer.page(
            request, "front.html", urls=urls, needs_key=needs_key(urls), **shown._asdict()
        )

    async def _stats(self, request: web.Request) -> web.Response:
        shown = self._shown(await self._statistics())
        return self._renderer.page(request, "stats.html", **shown._asdict())

    def _shown(self, statistics: Statistics) -> Shown:
        """Return what to show of statistics; the last result is kept for the next visitor."""
        if self._last is None or self._last[0] is not statistics:
            self._last = statistics, self._render(statistics)
        return self._last[1]

    def _render(self, statistics: Statistics) -> Shown:
        drawn = charts(statistics)
        part = self._renderer.part
        parts = {chart.id: part("chart.html", chart=chart) for chart in drawn}
        parts["frontends"] = part(
            "frontends.html",
            rows=statistics.frontends[:MOST_ROWS],
            further=max(0, len(statistics.frontends) - MOST_ROWS),
            now=statistics.at,
        )
        return Shown(numbers(statistics), [chart.id for chart in drawn], parts)
