"""The pages that share files, as the server writes them; what they do is in tests/clients."""

import base64
import json
import re
from hashlib import sha384
from html import unescape
from pathlib import Path

import pytest

from tests.web.conftest import PORTS, Given, serving
from tracker.web.assets import STATIC, Assets
from tracker.web.render import Renderer
from tracker.web.sharing import GET_MODULES, LIBRARIES, SHARE_MODULES, SharingPages
from tracker.web.urls import AnnounceUrls

PATHS = ("/share", "/get")
LIBRARY = b"// a library\n"
IMPORTS = re.compile(r"from '\./(?:sharing/)?([a-z0-9_]+\.js)'|import '\./([a-z0-9_]+\.js)'")


@pytest.fixture
def assets(tmp_path: Path) -> Assets:
    """The files of the pages, and libraries in place of those from npm."""
    for path in STATIC.rglob("*"):
        if path.is_file() and "vendor" not in path.parts:
            copy = tmp_path / path.relative_to(STATIC)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
    (tmp_path / "vendor").mkdir()
    for name in LIBRARIES:
        (tmp_path / name).write_bytes(LIBRARY)
    return Assets(tmp_path)


def sharing(assets: Assets, urls: AnnounceUrls | None = None) -> SharingPages:
    return SharingPages(Renderer(assets), assets, urls or AnnounceUrls(PORTS))


def trackers(body: bytes) -> dict[str, list[str]]:
    found = re.search(r'data-trackers="([^"]*)"', body.decode())
    assert found is not None
    parsed: dict[str, list[str]] = json.loads(unescape(found[1]))
    return parsed


@pytest.mark.parametrize("path", PATHS)
async def test_a_page_knows_the_announce_urls_of_its_visitor(
    given: Given, assets: Assets, path: str
) -> None:
    async with serving(given, sharing(assets)) as site:
        reply = await site.ask(path, "Host: files.example:8443")
    assert ["ws://files.example:8443/"] == trackers(reply.body)["websocket"]
    assert [
        "http://files.example:8443/announce",
        "udp://files.example:8443/announce",
        "ws://files.example:8443/",
    ] == trackers(reply.body)["all"]
    assert "connect-src 'self' ws://files.example:8443;" in reply.headers["content-security-policy"]


async def test_the_policy_names_the_origin_of_a_public_url(given: Given, assets: Assets) -> None:
    urls = AnnounceUrls(PORTS, public=["wss://tracker.example/path/"])
    async with serving(given, sharing(assets, urls)) as site:
        reply = await site.ask("/share")
    assert ["wss://tracker.example/path/"] == trackers(reply.body)["websocket"]
    policy = reply.headers["content-security-policy"]
    assert "connect-src 'self' wss://tracker.example;" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize("path", PATHS)
async def test_libraries_are_bound_to_their_content(
    given: Given, assets: Assets, path: str
) -> None:
    async with serving(given, sharing(assets)) as site:
        page = (await site.ask(path)).body.decode()
    scripts = re.findall(r'<script type="module" src="([^"]+)" integrity="([^"]+)">', page)
    digest = base64.b64encode(sha384(LIBRARY).digest()).decode()
    assert scripts
    for url, integrity in scripts:
        assert url.startswith(f"/static/{assets.version}/vendor/")
        assert f"sha384-{digest}" == integrity


@pytest.mark.parametrize("path", PATHS)
async def test_without_libraries_a_page_explains_the_command(
    given: Given, tmp_path: Path, path: str
) -> None:
    async with serving(given, _without_libraries(tmp_path)) as site:
        page = (await site.ask(path)).body.decode()
    assert "make web" in page
    assert "webtorrent.min.js" not in page
    assert "get.js" not in page


def _without_libraries(folder: Path) -> SharingPages:
    complete = Assets()
    empty = Assets(folder)
    return SharingPages(Renderer(complete), empty, AnnounceUrls(PORTS))


async def test_without_websocket_a_page_says_so(given: Given, assets: Assets) -> None:
    urls = AnnounceUrls({"http": 8000, "udp": 8000})
    async with serving(given, sharing(assets, urls)) as site:
        page = (await site.ask("/share")).body.decode()
    assert "without the WebSocket protocol" in page
    assert "share.js" not in page


async def test_the_service_worker_is_looked_at_again_each_time(
    given: Given, assets: Assets
) -> None:
    async with serving(given, sharing(assets)) as site:
        reply = await site.ask("/sw.js")
    assert "no-cache" == reply.headers["cache-control"]
    assert "text/javascript; charset=utf-8" == reply.headers["content-type"]
    assert "default-src 'none'; frame-ancestors 'none'" == reply.headers["content-security-policy"]
    assert reply.body == (STATIC / "sw.js").read_bytes()


@pytest.mark.parametrize(
    ("page", "modules"), [("share.js", SHARE_MODULES), ("get.js", GET_MODULES)]
)
def test_all_modules_that_a_page_needs_are_loaded_at_once(
    page: str, modules: tuple[str, ...]
) -> None:
    needed: set[str] = set()
    waiting = [STATIC / page]
    while waiting:
        for pair in IMPORTS.findall(waiting.pop().read_text()):
            name = "".join(pair)
            if name not in needed:
                needed.add(name)
                waiting.append(STATIC / "sharing" / name)
    assert needed == set(modules)
