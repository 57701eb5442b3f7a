"""Pages from templates (Jinja2), with their content security policy.

A template gets ``static(name)`` and ``integrity(name)`` of each file of `tracker.web.assets`. It
has no script and no style of its own: the policy allows none.
"""

import gzip
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from tracker import __version__
from tracker.web.assets import Assets
from tracker.web.statistics import duration, number, rate
from tracker.web.visitor import Visitor

LEVEL: Final = 4  # of compression: level 6 takes half as long again, for 4 % less
TEMPLATES: Final = Path(__file__).with_name("templates")
POLICY: Final[Mapping[str, str]] = {  # of each page; see `policy`
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self'",
    "connect-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
}
HEADERS: Final[Mapping[str, str]] = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
}
# Over plain HTTP browsers ignore it, and report that as an error.
SECURE: Final[Mapping[str, str]] = {"Cross-Origin-Opener-Policy": "same-origin"}


def policy(additions: Mapping[str, str]) -> str:
    """Return a content security policy: `POLICY`, and further sources by directive."""
    directives = dict(POLICY)
    for directive, sources in additions.items():
        before = directives.get(directive, "")
        directives[directive] = f"{before} {sources}".strip()
    return "; ".join(f"{directive} {sources}" for directive, sources in directives.items())


class Renderer:
    """All templates, compiled at once: a broken one fails the start, not a visitor.

    Args:
        assets: the files that templates refer to.
    """

    def __init__(self, assets: Assets) -> None:
        self.assets = assets
        self._environment = environment = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        environment.globals.update(
            static=assets.url, integrity=assets.integrity, version=__version__
        )
        environment.filters.update(number=number, rate=rate, duration=duration)
        for name in environment.list_templates():
            environment.get_template(name)

    def page(
        self,
        request: web.Request,
        template: str,
        *,
        status: int = 200,
        additions: Mapping[str, str] | None = None,
        **values: object,
    ) -> web.Response:
        """Render a template.

        Args:
            request: for it.
            template: name of its file.
            status: of the response.
            additions: to the content security policy: directive -> sources.
            values: of the template's variables.
        """
        text = self._environment.get_template(template).render(path=request.path, **values)
        headers = {**HEADERS, **SECURE} if Visitor.of(request).secure else dict(HEADERS)
        response = web.Response(
            body=text.encode(),
            status=status,
            content_type="text/html",
            charset="utf-8",
            headers={**headers, "Content-Security-Policy": policy(additions or {})},
        )
        return packed(request, response)

    def part(self, template: str, **values: object) -> Markup:
        """Render a template of a part of a page; other templates take it as it is."""
        return Markup(self._environment.get_template(template).render(**values))  # noqa: S704


def packed(request: web.Request, response: web.Response) -> web.Response:
    """Compress the body if the visitor accepts that."""
    body = response.body
    if "gzip" in Visitor.of(request).accept_encoding and isinstance(body, bytes):
        response.body = gzip.compress(body, LEVEL, mtime=0)
        response.headers["Content-Encoding"] = "gzip"
    response.headers["Vary"] = "Accept-Encoding"
    return response
