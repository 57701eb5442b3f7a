"""What programs read: statistics and swarms as JSON, their description, and health."""

import json
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from pathlib import Path
from typing import NamedTuple

from aiohttp import web

from tracker.errors import TrackerError
from tracker.model import HASH_SIZE, Counts, InfoHash
from tracker.web.render import packed
from tracker.web.statistics import SharedStatistics, document

DESCRIPTION = Path(__file__).with_name("openapi.json")
HEX = 2 * HASH_SIZE  # digits of an info_hash
RETRY_S = 5  # after which a program may ask again, when the tracker cannot answer


class SwarmCounts(NamedTuple):
    """One swarm, counted at once."""

    clients: Counts  # over HTTP and UDP
    browsers: Counts


CountSwarm = Callable[[InfoHash], Awaitable[SwarmCounts]]


class ProgramPages:
    """``/stats.json``, ``/swarms/INFO_HASH.json``, ``/openapi.json`` and ``/healthz``.

    Args:
        statistics: of the cluster.
        count: counts a swarm; raises TrackerError.
        ready: whether this process should get traffic.
    """

    def __init__(
        self, statistics: SharedStatistics, count: CountSwarm, ready: Callable[[], bool]
    ) -> None:
        self._statistics = statistics
        self._count = count
        self._ready = ready
        self._description = json.loads(DESCRIPTION.read_text())

    def add_routes(self, app: web.Application) -> None:
        """Add the routes of this group."""
        app.router.add_get("/stats.json", self._stats)
        app.router.add_get("/swarms/{info_hash}.json", self._swarm)
        app.router.add_get("/openapi.json", self._openapi)
        app.router.add_get("/healthz", self._health)

    async def _stats(self, request: web.Request) -> web.Response:
        return _json(request, document(await self._statistics()))

    async def _swarm(self, request: web.Request) -> web.Response:
        text = request.match_info["info_hash"]
        info_hash = _info_hash(text)
        if info_hash is None:
            error = {"error": f"not an info_hash of {HEX} hexadecimal digits"}
            return _json(request, error, HTTPStatus.BAD_REQUEST)
        try:
            clients, browsers = await self._count(info_hash)
        except TrackerError as error:
            response = _json(request, {"error": error.reason}, HTTPStatus.SERVICE_UNAVAILABLE)
            response.headers["Retry-After"] = str(RETRY_S)
            return response
        return _json(
            request,
            {
                "info_hash": info_hash.hex(),
                "seeders": clients.seeders,
                "leechers": clients.leechers,
                "browsers": {"seeders": browsers.seeders, "leechers": browsers.leechers},
                "completed": clients.completed + browsers.completed,
                "age_s": 0,
            },
        )

    async def _openapi(self, request: web.Request) -> web.Response:
        return _json(request, self._description)

    async def _health(self, request: web.Request) -> web.Response:
        ready = self._ready()
        status = HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE
        return _json(request, {"ready": ready}, status)


def _info_hash(text: str) -> InfoHash | None:
    """Return an info_hash written in hexadecimal digits; None: it is none."""
    if len(text) != HEX or not text.isascii() or not text.isalnum():
        return None
    try:
        return bytes.fromhex(text)
    except ValueError:
        return None


def _json(
    request: web.Request, content: object, status: HTTPStatus = HTTPStatus.OK
) -> web.Response:
    response = web.json_response(content, status=status, headers={"Cache-Control": "no-store"})
    return packed(request, response)
