"""Errors: a page for browsers, a line for programs, and never a traceback."""

import pytest
from aiohttp import web
from structlog.testing import capture_logs

from tests.web.conftest import HOST, Given, Site, serving

BROWSER = (HOST, "Accept: text/html,application/xhtml+xml,*/*;q=0.8")


class Broken:
    """A page with a fault."""

    def add_routes(self, app: web.Application) -> None:
        app.router.add_get("/broken", self._serve)

    async def _serve(self, request: web.Request) -> web.Response:
        raise RuntimeError("secret detail")


@pytest.mark.parametrize(
    "path", ["/nothing", "/stats/", "//", "/%2e%2e/etc/passwd", "/stats.xml", "/static/x/y.css"]
)
async def test_other_paths_are_not_found(site: Site, path: str) -> None:
    reply = await site.ask(path)
    assert (404, "text/plain; charset=utf-8") == (reply.status, reply.headers["content-type"])
    assert b"404 Not Found: There is no page at this address.\n" == reply.body
    assert "no-store" == reply.headers["cache-control"]


async def test_a_browser_gets_a_page_about_the_error(site: Site) -> None:
    reply = await site.ask("/<script>", *BROWSER)
    assert (404, "text/html; charset=utf-8") == (reply.status, reply.headers["content-type"])
    assert b"<h1>Not Found</h1>" in reply.body
    assert b"<script>" not in reply.body


async def test_another_method_is_refused_with_those_that_are_allowed(site: Site) -> None:
    reply = await site.ask("/stats", *BROWSER, method="DELETE")
    assert (405, "GET,HEAD") == (reply.status, reply.headers["allow"])
    assert b"GET and HEAD only" in reply.body


@pytest.mark.parametrize("lines", [(HOST,), BROWSER])
async def test_a_fault_of_ours_is_logged_and_reveals_nothing(
    given: Given, lines: tuple[str, ...]
) -> None:
    with capture_logs() as logs:
        async with serving(given, Broken()) as site:
            reply = await site.ask("/broken", *lines)
            assert 200 == (await site.ask("/stats")).status
    assert 500 == reply.status
    assert b"secret" not in reply.body
    assert [("page.failed", "/broken")] == [(log["event"], log["path"]) for log in logs]
