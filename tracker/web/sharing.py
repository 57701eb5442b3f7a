"""The pages by which people share files from browser to browser; no file passes through here.

The WebTorrent library comes from npm (``make web``) and is not part of the source. Without it the
pages explain how to add it.
"""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web

from tracker.web.assets import Assets
from tracker.web.render import Renderer
from tracker.web.urls import AnnounceUrls
from tracker.web.visitor import Visitor

LIBRARIES: Final = ("vendor/webtorrent.min.js", "vendor/lean-qr.mjs")
# The page of a download plays media from the service worker, and saves files through a frame.
GET_ADDITIONS: Final[Mapping[str, str]] = {"media-src": "'self'", "frame-src": "'self'"}
WORKER_POLICY: Final = "default-src 'none'; frame-ancestors 'none'"
SHARED: Final = (  # modules of both pages, which browsers then load at once
    "dom.js",
    "format.js",
    "ice.js",
    "link.js",
    "names.js",
    "polyfills.js",
    "sha1.js",
    "swarm.js",
    "torrent_file.js",
)
SHARE_MODULES: Final = (*SHARED, "choose.js", "disk_store.js")
GET_MODULES: Final = (
    *SHARED,
    "crc32.js",
    "diagnosis.js",
    "file_list.js",
    "kept_list.js",
    "media.js",
    "memory_store.js",
    "private_store.js",
    "receive.js",
    "stream.js",
    "zip.js",
)


class SharingPages:
    """``/share``, ``/get``, and the service worker of the latter.

    Args:
        renderer: of the pages.
        assets: the files that they use.
        urls: the announce URLs; pages announce to those of kind ``ws``.
    """

    def __init__(self, renderer: Renderer, assets: Assets, urls: AnnounceUrls) -> None:
        self._renderer = renderer
        self._assets = assets
        self._urls = urls
        self._ready = all(library in assets for library in LIBRARIES)

    def add_routes(self, app: web.Application) -> None:
        """Add the routes of this group."""
        app.router.add_get("/share", self._share)
        app.router.add_get("/get", self._get)
        app.router.add_get("/sw.js", self._service_worker)

    async def _share(self, request: web.Request) -> web.Response:
        return self._page(request, "share.html", SHARE_MODULES, {})

    async def _get(self, request: web.Request) -> web.Response:
        return self._page(request, "get.html", GET_MODULES, GET_ADDITIONS)

    def _page(
        self,
        request: web.Request,
        template: str,
        modules: tuple[str, ...],
        additions: Mapping[str, str],
    ) -> web.Response:
        urls = self._urls.of(Visitor.of(request))
        websocket = [each.url for each in urls if each.kind == "ws"]
        return self._renderer.page(
            request,
            template,
            additions={
                "connect-src": " ".join(_origin(url) for url in websocket),
                "worker-src": "'self'",
                **additions,
            },
            ready=self._ready and bool(websocket),
            installed=self._ready,
            modules=[f"sharing/{name}" for name in modules],
            trackers={"websocket": websocket, "all": [each.url for each in urls]},
        )

    async def _service_worker(self, request: web.Request) -> web.StreamResponse:
        """Send it from the root: its path bounds what it may serve. Browsers look for updates."""
        return await self._assets.send(
            request, "sw.js", "no-cache", Content_Security_Policy=WORKER_POLICY
        )


def _origin(url: str) -> str:
    """Return a URL without its path: a policy with a path would not match one without its slash."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
