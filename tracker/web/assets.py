"""The files that pages refer to, read once, and served under a name that changes with them.

``/static/VERSION/NAME``: the version is a hash over all files, so relative imports between modules
of JavaScript lead to files of the same version, and browsers may keep each for ever. Another
version, which pages of another frontend name during an update, gets our file, and is not kept.
"""

import base64
import gzip
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

from aiohttp import web

from tracker.web.visitor import Visitor

STATIC: Final = Path(__file__).with_name("static")
TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".mjs": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".wasm": "application/wasm",
    ".woff2": "font/woff2",
}
PACKED: Final = {"br": ".br", "gzip": ".gz"}  # encoding -> suffix of a precompressed file
COMPRESSIBLE: Final = frozenset((".css", ".ico", ".js", ".json", ".mjs", ".svg", ".wasm"))
LEAST_PACKED: Final = 512  # bytes; smaller files are sent as they are
PIECE: Final = 65_537  # bytes written at once: the library waits for a client after 64 KiB
FOR_EVER: Final = "public, max-age=31536000, immutable"


class Asset(NamedTuple):
    """One file."""

    content_type: str
    integrity: str  # for the attribute of that name (Subresource Integrity)
    bodies: Mapping[str, bytes]  # encoding, or "identity" -> bytes

    def body(self, accepted: frozenset[str]) -> tuple[str, bytes]:
        """Return the smallest body that a client accepts, and its encoding."""
        known = [each for each in self.bodies if each == "identity" or each in accepted]
        encoding = min(known, key=lambda each: len(self.bodies[each]))
        return encoding, self.bodies[encoding]


class Assets:
    """All files below a folder.

    Args:
        folder: read now; files that come later are not seen.
    """

    def __init__(self, folder: Path = STATIC) -> None:
        files = {
            path.relative_to(folder).as_posix(): path
            for path in sorted(folder.rglob("*"))
            if path.is_file() and path.suffix in TYPES
        }
        self._assets = {name: _read(path) for name, path in files.items()}
        digest = hashlib.sha256()
        for name, asset in self._assets.items():
            digest.update(f"{name} {asset.integrity}\n".encode())
        self.version = digest.hexdigest()[:16]

    def __contains__(self, name: str) -> bool:
        return name in self._assets

    def url(self, name: str) -> str:
        """Return where a file is served.

        Raises:
            KeyError: there is no such file.
        """
        self._assets[name]
        return f"/static/{self.version}/{name}"

    def integrity(self, name: str) -> str:
        """Return the value of the integrity attribute for a file.

        Raises:
            KeyError: there is no such file.
        """
        return self._assets[name].integrity

    def add_routes(self, app: web.Application) -> None:
        """Serve the files."""
        app.router.add_get("/static/{version}/{name:.+}", self._serve)

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        if name not in self._assets:
            raise web.HTTPNotFound
        current = request.match_info["version"] == self.version
        return await self.send(request, name, FOR_EVER if current else "no-cache")

    async def send(
        self, request: web.Request, name: str, cache_control: str, **headers: str
    ) -> web.StreamResponse:
        """Send a file in pieces, of which a slow client makes us hold few.

        Args:
            request: for it.
            name: of the file.
            cache_control: the header of that name.
            headers: further ones; ``_`` stands for ``-``.
        """
        asset = self._assets[name]
        encoding, body = asset.body(Visitor.of(request).accept_encoding)
        response = web.StreamResponse(
            headers={
                "Content-Type": asset.content_type,
                "Cache-Control": cache_control,
                "Vary": "Accept-Encoding",
                **{key.replace("_", "-"): value for key, value in headers.items()},
            }
        )
        if encoding != "identity":
            response.headers["Content-Encoding"] = encoding
        response.content_length = len(body)
        await response.prepare(request)
        if request.method == "GET":
            view = memoryview(body)
            for at in range(0, len(body), PIECE):
                await response.write(view[at : at + PIECE])
        await response.write_eof()
        return response


def _read(path: Path) -> Asset:
    content = path.read_bytes()
    digest = base64.b64encode(hashlib.sha384(content).digest()).decode()
    bodies = {"identity": content}
    for encoding, suffix in PACKED.items():
        packed = path.with_name(path.name + suffix)
        if packed.is_file():
            bodies[encoding] = packed.read_bytes()
    if "gzip" not in bodies and path.suffix in COMPRESSIBLE and len(content) >= LEAST_PACKED:
        bodies["gzip"] = gzip.compress(content, mtime=0)
    return Asset(TYPES[path.suffix], f"sha384-{digest}", bodies)
