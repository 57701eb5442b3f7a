"""Files of pages: versioned, compressed, in pieces."""

import gzip
import hashlib
import re
from base64 import b64encode
from pathlib import Path

import pytest

from tests.web.conftest import HOST, Site
from tracker.web.assets import FOR_EVER, STATIC, Assets

NAMES = sorted(Assets()._assets)


def content(name: str) -> bytes:
    return (STATIC / name).read_bytes()


@pytest.mark.parametrize("name", NAMES)
async def test_a_file_of_the_current_version_may_be_kept_for_ever(site: Site, name: str) -> None:
    reply = await site.ask(Assets().url(name))
    assert (200, FOR_EVER) == (reply.status, reply.headers["cache-control"])
    assert content(name) == reply.body


async def test_a_file_of_another_version_is_ours_and_is_not_kept(site: Site) -> None:
    """During a rolling update, pages of another frontend refer to it."""
    reply = await site.ask("/static/0123456789abcdef/base.css")
    assert (200, "no-cache") == (reply.status, reply.headers["cache-control"])
    assert content("base.css") == reply.body


async def test_a_file_is_compressed_for_those_who_accept_it(site: Site) -> None:
    reply = await site.ask(Assets().url("base.css"), HOST, "Accept-Encoding: gzip, br")
    assert ("gzip", "Accept-Encoding") == (
        reply.headers["content-encoding"],
        reply.headers["vary"],
    )
    assert content("base.css") == gzip.decompress(reply.body)


async def test_head_has_the_length_and_no_body(site: Site) -> None:
    reply = await site.ask(Assets().url("base.css"), method="HEAD")
    assert len(content("base.css")) == int(reply.headers["content-length"])


@pytest.mark.parametrize("name", ["nothing.css", "../render.py", "..%2frender.py", "base.css/"])
async def test_only_files_of_the_folder_are_served(site: Site, name: str) -> None:
    assert 404 == (await site.ask(f"/static/x/{name}")).status


def test_the_version_changes_with_any_file(tmp_path: Path) -> None:
    (tmp_path / "vendor").mkdir()
    (tmp_path / "vendor" / "a.js").write_text("1")
    (tmp_path / "ignored.txt").write_text("1")
    first = Assets(tmp_path)
    (tmp_path / "vendor" / "a.js").write_text("2")
    second = Assets(tmp_path)
    (tmp_path / "b.css").write_text("2")
    third = Assets(tmp_path)
    assert 3 == len({first.version, second.version, third.version})
    assert f"/static/{first.version}/vendor/a.js" == first.url("vendor/a.js")
    assert ("vendor/a.js" in first, "ignored.txt" in first) == (True, False)


def test_a_file_that_does_not_exist_has_no_url(tmp_path: Path) -> None:
    for look in (Assets(tmp_path).url, Assets(tmp_path).integrity):
        with pytest.raises(KeyError):
            look("a.js")


def test_precompressed_files_are_variants(tmp_path: Path) -> None:
    (tmp_path / "a.js").write_bytes(b"x" * 5000)
    (tmp_path / "a.js.br").write_bytes(b"brotli")
    asset = Assets(tmp_path)._assets["a.js"]
    assert ("br", b"brotli") == asset.body(frozenset(("br", "gzip")))
    assert "gzip" == asset.body(frozenset(("gzip",)))[0]
    assert ("identity", b"x" * 5000) == asset.body(frozenset())


def test_integrity_is_the_hash_of_the_file() -> None:
    digest = hashlib.sha384(content("base.js")).digest()
    assert f"sha384-{b64encode(digest).decode()}" == Assets().integrity("base.js")


@pytest.mark.parametrize("name", [name for name in NAMES if name.endswith((".css", ".js"))])
def test_no_file_of_ours_names_another_host(name: str) -> None:
    if not name.startswith("vendor/"):
        assert not re.findall(rb"(?:https?:|url\()//", content(name))
