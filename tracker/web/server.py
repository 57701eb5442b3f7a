"""aiohttp as pages and admin need it: one bounded request a connection, nothing logged.

Each answer closes its connection: on the public port the door must see each next head anew, and
readers of pages and metrics are too few for keep-alive to matter.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import cast

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.typedefs import Middleware

from tracker.frontends.final_response import FinalResponse

HEAD_TIMEOUT_S = 10.0  # from the connection to the end of the request's head
MAX_LINE = 8190  # bytes of the request line, and of one header
MAX_BODY = 1024  # bytes; no page reads one


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class _Faults(logging.Filter):
    """Drops the tracebacks of clients' faults.

    The request is not HTTP, its answer would repeat bytes that are not text, or the client left.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        return not isinstance(error, HttpProcessingError | UnicodeEncodeError | ConnectionError)


_log = logging.getLogger(__name__)
_log.addFilter(_Faults())


@web.middleware
async def _one_request(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        response = await handler(request)
    except web.HTTPException as refusal:
        refusal.force_close()
        raise
    response.force_close()
    return response


def application(*middlewares: Middleware) -> web.Application:
    """An empty application; add routes, then hand it to `runner`."""
    return web.Application(middlewares=[_one_request, *middlewares], client_max_size=MAX_BODY)


def runner(app: web.Application) -> web.AppRunner:
    """A runner that serves `app` within the bounds of this module."""
    return web.AppRunner(
        app,
        access_log=None,
        handler_cancellation=True,  # a stream ends when its client leaves
        logger=_log,
        keepalive_timeout=HEAD_TIMEOUT_S,  # aiohttp counts it for the first head too
        lingering_time=0,  # a body that nobody asked for is not read to its end
        max_line_size=MAX_LINE,
        max_field_size=MAX_LINE,
        shutdown_timeout=1.0,
    )


class OneResponse(asyncio.Protocol):
    """A connection that the library serves from its first byte to the end of one response."""

    def __init__(self, library: asyncio.Protocol) -> None:
        self._library = library

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Let the library write through `FinalResponse`."""
        final = FinalResponse(cast(asyncio.Transport, transport), public=False)
        self._library.connection_made(final)

    def connection_lost(self, exc: Exception | None) -> None:
        """End the library's part."""
        self._library.connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Pass on what the client sent."""
        self._library.data_received(data)

    def eof_received(self) -> bool | None:
        """Pass on that the client sends no more."""
        return self._library.eof_received()

    def pause_writing(self) -> None:
        """Pass on that the client does not read."""
        self._library.pause_writing()

    def resume_writing(self) -> None:
        """Pass on that the client has read."""
        self._library.resume_writing()
