"""aiohttp as pages and admin need it: one bounded request a connection, nothing logged.

Each answer closes its connection: on the public port the door must see each next head anew, and
readers of pages and metrics are too few for keep-alive to matter.
"""

import logging
from collections.abc import Awaitable, Callable

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

HEAD_TIMEOUT_S = 10.0  # from the connection to the end of the request's head
MAX_LINE = 8190  # bytes of the request line, and of one header
SERVER = "tracker-cluster"  # not which Python and aiohttp
MAX_BODY = 1024  # bytes; no page reads one


class _Faults(logging.Filter):
    """Drops the tracebacks of clients' faults: this is no HTTP; or nobody waits for the answer."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        return not isinstance(error, HttpProcessingError | ConnectionError)


_log = logging.getLogger(__name__)
_log.addFilter(_Faults())


@web.middleware
async def _one_request(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    try:
        response = await handler(request)
    except web.HTTPException as refusal:
        refusal.force_close()
        refusal.headers["Server"] = SERVER
        raise
    response.force_close()
    response.headers["Server"] = SERVER
    return response


def application() -> web.Application:
    """An empty application; add routes, then hand it to `runner`."""
    return web.Application(middlewares=[_one_request], client_max_size=MAX_BODY)


def runner(app: web.Application) -> web.AppRunner:
    """A runner that serves `app` within the bounds of this module."""
    return web.AppRunner(
        app,
        access_log=None,
        logger=_log,
        keepalive_timeout=HEAD_TIMEOUT_S,  # aiohttp counts it for the first head too
        lingering_time=0,  # a body that nobody asked for is not read to its end
        max_line_size=MAX_LINE,
        max_field_size=MAX_LINE,
        shutdown_timeout=1.0,
    )
