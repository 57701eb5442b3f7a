"""Errors of the public port: a page for browsers, a line for programs."""

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from tracker.web.render import Renderer

log = structlog.get_logger()

HINTS = {
    404: "There is no page at this address.",
    405: "This address answers GET and HEAD only.",
    500: "The tracker made a mistake. Its operator finds more in the log.",
    503: "The tracker cannot answer now. Please try again in a moment.",
}


def error_pages(renderer: Renderer) -> Middleware:
    """Return a middleware that gives errors a body."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except web.HTTPException as error:
            return error_page(renderer, request, error)
        except ConnectionError:
            raise  # the client left
        except Exception:
            log.exception("page.failed", path=request.rel_url.raw_path)
            return error_page(renderer, request, web.HTTPInternalServerError())

    return middleware


def error_page(renderer: Renderer, request: web.Request, error: web.HTTPException) -> web.Response:
    """Return the response for an error; its own headers, such as Allow, are kept."""
    hint = HINTS.get(error.status, error.reason)
    if request.headers.get("Accept") == "text/html":
        response = renderer.page(
            request,
            "error.html",
            status=error.status,
            title=error.reason,
            hint=hint,
        )
    else:
        response = web.Response(
            status=error.status,
            text=f"{error.status} {error.reason}: {hint}\n",
            headers={"Cache-Control": "no-store"},
        )
    if "Allow" in error.headers:
        response.headers["Allow"] = error.headers["Allow"]
    return response
