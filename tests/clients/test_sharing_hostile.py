"""Torrents whose names and content are hostile, and links that strangers write."""

import zipfile
from base64 import b64decode
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pytest

from tests.clients.sharing_site import run_pages, running_sites

PATIENCE = 120.0
DOWNLOADED = {
    "content-type": "application/octet-stream",
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; frame-ancestors 'self'; "
    "sandbox allow-downloads",
    "cross-origin-resource-policy": "same-origin",
}


@pytest.fixture(scope="module")
def facts() -> Iterator[dict[str, Any]]:
    with running_sites() as sites:
        yield run_pages("sharing_hostile.mjs", sites.urls[0], patience=PATIENCE)


@pytest.mark.timeout(PATIENCE)
def test_nothing_of_it_runs(facts: dict[str, Any]) -> None:
    assert facts["pwned"] is None
    assert 0 == facts["images"]
    assert not any(facts["framed"])


@pytest.mark.timeout(PATIENCE)
def test_names_are_shown_as_text_that_does_not_deceive(facts: dict[str, Any]) -> None:
    assert "<img src=x onerror=alert(1)>\ufffdgpj.exe" == facts["named"]
    assert "../<b>\ufffdname</b>" == facts["title"]
    shown = "".join(facts["shown"])
    assert shown.isprintable()
    assert not any(sign in shown for sign in "\u202e\n\0\a")


@pytest.mark.timeout(PATIENCE)
def test_each_file_can_only_be_downloaded(facts: dict[str, Any]) -> None:
    assert 11 == facts["asked"] == len(facts["documents"])
    for document in facts["documents"]:
        assert 200 == document["status"]
        assert DOWNLOADED.items() <= document.items()
        assert document["content-disposition"].startswith("attachment; filename*=UTF-8''")


@pytest.mark.timeout(PATIENCE)
def test_an_archive_has_safe_and_distinct_paths(facts: dict[str, Any]) -> None:
    with zipfile.ZipFile(BytesIO(b64decode(facts["archive"]))) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
    assert 11 == len({name.lower() for name in names})
    for name in names:
        parts = name.split("/")
        assert ".." not in parts
        assert not set(name) & set('\\:*?"<>|\u202e\n\0')
        assert all(part and len(part.encode()) <= 200 for part in parts)
        assert "CON.txt" not in parts


@pytest.mark.timeout(PATIENCE)
def test_a_file_that_is_no_film_is_told(facts: dict[str, Any]) -> None:
    assert facts["problem"].startswith("This browser cannot show this file.")


@pytest.mark.timeout(PATIENCE)
def test_a_download_that_is_large_asks_first_and_one_that_does_not_fit_ends() -> None:
    with running_sites() as sites:
        said = run_pages("sharing_sizes.mjs", sites.urls[0], patience=PATIENCE)["said"]
    assert "Downloading" in said["small"]
    assert "This download needs 5.0 GB" in said["large"]
    assert "Ready to download" in said["large"]
    assert "There is not enough space" in said["huge"]
    assert "in a way that a browser cannot handle" in said["large pieces"]


@pytest.mark.timeout(PATIENCE)
def test_a_peer_that_announces_a_message_without_end_is_disconnected() -> None:
    with running_sites() as sites:
        facts = run_pages("sharing_long_message.mjs", sites.urls[0], patience=PATIENCE)
    assert facts["disconnected"]
