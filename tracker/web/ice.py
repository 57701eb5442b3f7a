"""``/ice.json``: the STUN and TURN servers for pages, with a credential that expires.

A credential is worth money to its operator, so it is not for every website as other responses of
this port are. A page of the tracker itself may read it, and pages of the origins that
``--ice-origins`` names; a browser keeps it from all others. Programs that are not browsers send no
Origin and get it, too: they could send any. What one address gets is bounded by the id in its
credentials, see `tracker.policy.ice`.
"""

from collections.abc import Callable
from http import HTTPStatus
from math import ceil

from aiohttp import web

from tracker.metrics import Metrics
from tracker.model import Ip
from tracker.policy.accounts import Accounts, Rate
from tracker.policy.ice import turn_credential
from tracker.policy.origins import Origins
from tracker.settings import IceSettings, LimitsSettings
from tracker.web.visitor import Visitor

HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Vary": "Origin",  # so `tracker.wire.http_page.final_head` allows no website by itself
}


class IcePages:
    """``/ice.json``.

    Args:
        settings: the servers, and who may know of them.
        limits: how many addresses are remembered.
        metrics: count refusals.
        now: Unix seconds.
        clock: seconds that never go back.
    """

    def __init__(
        self,
        settings: IceSettings,
        limits: LimitsSettings,
        metrics: Metrics,
        now: Callable[[], float],
        clock: Callable[[], float],
    ) -> None:
        self._settings = settings
        self._secret = (
            settings.turn_secret.get_secret_value().encode() if settings.turn_secret else b""
        )
        self._origins = Origins(settings.origins)
        rate = Rate(settings.requests_per_minute / 60, settings.request_burst)
        self._accounts = Accounts(rate, rate, limits.ipv6_prefix, limits.addresses)
        self._refused = metrics.refused
        self._now, self._clock = now, clock

    def add_routes(self, app: web.Application) -> None:
        """Add the route."""
        app.router.add_get("/ice.json", self._serve)

    async def _serve(self, request: web.Request) -> web.Response:
        visitor = Visitor.of(request)
        headers = dict(HEADERS)
        if visitor.origin is not None:
            # Not the host that a proxy reports: scripts may write X-Forwarded-Host, but not Host.
            if not self._origins.allow(visitor.origin, visitor.requested):
                self._refused["ice", "origin"] += 1
                error = "pages of this origin may not read this; the operator can allow it with "
                return _json({"error": error + "--ice-origins"}, headers, HTTPStatus.FORBIDDEN)
            headers["Access-Control-Allow-Origin"] = visitor.origin
        now = self._clock()
        account = self._accounts.of(visitor.address, now)
        if not self._accounts.work(account, 1, now):
            self._refused["ice", "address"] += 1
            headers["Retry-After"] = str(ceil(self._accounts.work_wait_s(account, 1, now)))
            error = "too many requests from this address"
            return _json({"error": error}, headers, HTTPStatus.TOO_MANY_REQUESTS)
        ttl_s = self._settings.turn_ttl
        return _json({"iceServers": self._servers(visitor.address), "ttl": ttl_s}, headers)

    def _servers(self, address: Ip) -> list[dict[str, object]]:
        """Return the servers as RTCPeerConnection takes them."""
        settings = self._settings
        servers: list[dict[str, object]] = []
        if settings.stun:
            servers.append({"urls": settings.stun})
        if settings.turn:
            credential = turn_credential(
                self._secret, self._accounts.key(address), self._now(), settings.turn_ttl
            )
            servers.append(
                {
                    "urls": settings.turn,
                    "username": credential.username,
                    "credential": credential.password,
                }
            )
        return servers


def _json(
    content: object, headers: dict[str, str], status: HTTPStatus = HTTPStatus.OK
) -> web.Response:
    return web.json_response(content, status=status, headers=headers)
