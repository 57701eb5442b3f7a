"""What the public port shows to people: a front page, and statistics to read or to parse.

Plain HTML without scripts or outside files. Nothing here tells an address of a peer, of Redis,
or of a machine: the only host name on a page is the one that the visitor's own request named.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from html import escape

from aiohttp import web

from tracker.frontends import webapp
from tracker.model import Snapshot
from tracker.paths import ANNOUNCE_PATHS


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    """What the pages show. `cluster` is of all frontends, the rest of this process."""

    version: str
    uptime_s: int
    cluster: Snapshot | None  # None: not known (yet)
    sockets: Mapping[str, int]  # protocol -> sockets open
    requests: Mapping[tuple[str, ...], int]  # protocol, action, outcome -> count


class Pages:
    """The pages of the public port; `protocol` serves one connection.

    Args:
        stats: asked for each view; must not raise for what is briefly unknown.
        ports: scheme (``http``, ``udp``, ``ws``) -> port to show in announce URLs; None: the
            port of the visitor's request.
        path: of announces over HTTP.
    """

    def __init__(
        self,
        stats: Callable[[], Awaitable[Stats]],
        ports: Mapping[str, int | None],
        path: str = ANNOUNCE_PATHS[0],
    ) -> None:
        self._stats = stats
        self._ports = dict(ports)
        self._path = path
        app = webapp.application()
        app.router.add_get("/", self._front)
        app.router.add_get("/stats", self._show_stats)
        app.router.add_get("/stats.json", self._give_stats)
        self._runner = webapp.runner(app)

    async def start(self) -> None:
        """Get ready to serve; opens no port."""
        await self._runner.setup()

    async def stop(self) -> None:
        """Finish what is being answered, then close what is left."""
        await self._runner.cleanup()

    def protocol(self) -> asyncio.Protocol:
        """A fresh handler for one connection; it answers one request and closes.

        Hand it a transport with ``set_protocol``, ``connection_made``, and ``data_received`` of
        the bytes already read.
        """
        assert self._runner.server is not None, "start() first"
        return self._runner.server()

    async def _front(self, request: web.Request) -> web.Response:
        urls = announce_urls(request.host, self._ports, secure=request.secure, path=self._path)
        items = "".join(f"<li><code>{escape(url)}</code></li>" for url in urls)
        return _html(
            "BitTorrent tracker",
            "<p>This is a BitTorrent tracker. Give a torrent these announce URLs:</p>"
            f"<ul>{items}</ul><p><a href='/stats'>Statistics</a></p>",
        )

    async def _show_stats(self, request: web.Request) -> web.Response:
        return _html("Tracker statistics", render_stats(await self._stats()))

    async def _give_stats(self, request: web.Request) -> web.Response:
        return web.json_response(
            stats_document(await self._stats()), headers={"Cache-Control": "no-store"}
        )


_HOST = re.compile(r"(?P<name>[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(:(?P<port>\d{1,5}))?")


def announce_urls(
    host: str, ports: Mapping[str, int | None], *, secure: bool, path: str = ANNOUNCE_PATHS[0]
) -> list[str]:
    """The announce URLs for a visitor who reached us as `host`.

    Args:
        host: a Host header, of any content.
        ports: as for `Pages`.
        secure: the visitor came over TLS; then HTTP and WebSocket are shown as HTTPS and WSS.
        path: of announces over HTTP.
    """
    paths = {"http": path, "udp": ANNOUNCE_PATHS[0], "ws": "/"}
    match = _HOST.fullmatch(host)
    name, seen = (match["name"], match["port"]) if match else ("HOST", "PORT")
    urls = []
    for scheme, port in ports.items():
        over_tls = secure and scheme != "udp"
        shown = str(port) if port is not None else seen
        if shown is None and scheme == "udp":
            shown = "443" if secure else "80"  # UDP has no default port
        authority = name if shown is None else f"{name}:{shown}"
        urls.append(f"{scheme}{'s' if over_tls else ''}://{authority}{paths[scheme]}")
    return urls


def stats_document(stats: Stats) -> dict[str, object]:
    """`Stats` as JSON has it: requests nested by protocol, action and outcome."""
    requests: dict[str, dict[str, dict[str, int]]] = {}
    for (protocol, action, outcome), count in sorted(stats.requests.items()):
        requests.setdefault(protocol, {}).setdefault(action, {})[outcome] = count
    cluster = stats.cluster
    return {
        "version": stats.version,
        "uptime_s": stats.uptime_s,
        "totals": cluster and cluster.totals._asdict(),
        "frontends": cluster and cluster.frontends,
        "requests_per_second": cluster and _rounded(cluster.rates),
        "sockets": dict(stats.sockets),
        "requests": requests,
    }


def render_stats(stats: Stats) -> str:
    """The body of the statistics page."""
    process: dict[str, object] = {"version": stats.version, "uptime, s": stats.uptime_s}
    process |= {f"{protocol} sockets": count for protocol, count in stats.sockets.items()}
    process |= {" ".join(labels): count for labels, count in sorted(stats.requests.items())}
    return _cluster(stats.cluster) + "<h2>This frontend</h2>" + _table(process)


def _cluster(cluster: Snapshot | None) -> str:
    if cluster is None:
        return "<h2>All frontends</h2><p>Not known yet.</p>"
    totals = cluster.totals
    rows: dict[str, object] = {
        "swarms": totals.swarms,
        "swarms of browsers": totals.browser_swarms,
        "IPv4 seeders": totals.ipv4_seeders,
        "IPv4 leechers": totals.ipv4_leechers,
        "IPv6 seeders": totals.ipv6_seeders,
        "IPv6 leechers": totals.ipv6_leechers,
        "browsers that seed": totals.browser_seeders,
        "browsers that download": totals.browser_leechers,
        "frontends": cluster.frontends,
    }
    rates = sorted(_rounded(cluster.rates).items())
    rows |= {f"{protocol} requests a second": rate for protocol, rate in rates}
    return "<h2>All frontends</h2>" + _table(rows)


def _rounded(rates: Mapping[str, float]) -> dict[str, float]:
    return {protocol: round(rate, 1) for protocol, rate in rates.items()}


def _table(rows: Mapping[str, object]) -> str:
    cells = (
        f"<tr><th>{escape(name)}</th><td>{escape(str(value))}</td></tr>"
        for name, value in rows.items()
    )
    return f"<table>{''.join(cells)}</table>"


_STYLE = (
    "body{font:16px/1.5 sans-serif;max-width:40em;margin:2em auto;padding:0 1em}"
    "th{text-align:left;font-weight:normal;padding-right:2em}td{text-align:right}"
)


def _html(title: str, body: str) -> web.Response:
    return web.Response(
        text=(
            "<!doctype html><html lang='en'><meta charset='utf-8'>"
            "<meta name='viewport' content='width=device-width'>"
            f"<title>{title}</title><style>{_STYLE}</style><h1>{title}</h1>{body}</html>\n"
        ),
        content_type="text/html",
        headers={
            "Cache-Control": "no-store",
            "Content-Security-Policy": (
                "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
            ),
        },
    )
