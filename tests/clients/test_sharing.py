"""/share and /get in real browsers, on two frontends over one Redis."""

import os
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.clients.node import running_script
from tests.clients.sample import digest_of
from tests.clients.sharing_site import PACKAGES, Sites, facts_of, run_pages, running_sites, url_of
from tests.tools import require, reserved_port
from tests.tracker_process import TrackerProcess, running_tracker
from tests.turn_server import running_turn_server

PATIENCE = 150.0  # seconds, on a busy machine
MB = 1_000_000
SECRET = "0123456789abcdef0123456789abcdef"


@pytest.fixture(scope="module")
def sites() -> Iterator[Sites]:
    with running_sites() as sites:
        yield sites


def random_file(path: Path, size: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        for at in range(0, size, MB):
            file.write(os.urandom(min(MB, size - at)))
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "Holiday"
    random_file(folder / "one.bin", 3 * MB)
    (folder / "two").mkdir()
    (folder / "two/ü.txt").write_text("hello")
    (folder / "empty").touch()
    (folder / ".DS_Store").write_text("of a file manager")
    return folder


def contents(folder: Path) -> dict[str, str]:
    """The digests of the files that are shared, by their paths in an archive."""
    return {
        f"{folder.name}/{path.relative_to(folder).as_posix()}": digest_of(path)
        for path in folder.rglob("*")
        if path.is_file() and path.name != ".DS_Store"
    }


def archived(path: Path) -> dict[str, str]:
    with ZipFile(path) as archive:
        assert archive.testzip() is None
        return {name: sha256(archive.read(name)).hexdigest() for name in archive.namelist()}


@pytest.mark.timeout(PATIENCE)
@pytest.mark.parametrize("how", ["choose", "drop"])
def test_a_file_goes_from_one_browser_to_another(sites: Sites, tmp_path: Path, how: str) -> None:
    file = random_file(tmp_path / "A film & more.bin", 5 * MB)
    copy = tmp_path / "copy"
    facts = run_pages(
        "sharing_transfer.mjs", *sites.urls, str(copy), how, str(file), patience=PATIENCE
    )
    assert digest_of(file) == digest_of(copy)
    assert (file.name, file.name, "5.0 MB") == (facts["name"], facts["title"], facts["about"])
    assert facts["link"].startswith(f"{sites.urls[0]}get#")
    assert "5.0 MB" == facts["uploaded"]
    assert "beforeunload" == facts["warned"]
    (notice,) = facts["notices"]
    assert "Only this computer can open this link" in notice
    assert f"http://192.168.1.5:{sites.first.ports['http']}/share" in notice


@pytest.mark.timeout(PATIENCE)
@pytest.mark.parametrize("how", ["folder", "drop"])
def test_a_folder_arrives_as_an_archive(sites: Sites, folder: Path, how: str) -> None:
    copy = folder.parent / "copy.zip"
    facts = run_pages(
        "sharing_transfer.mjs", *sites.urls, str(copy), how, str(folder), patience=PATIENCE
    )
    assert contents(folder) == archived(copy)
    assert ("Holiday.zip", "3.0 MB, 3 files") == (facts["name"], facts["about"])
    assert ["empty", "one.bin", "two/ü.txt"] == facts["files"]


@pytest.mark.timeout(PATIENCE)
def test_several_files_arrive_as_an_archive(sites: Sites, tmp_path: Path) -> None:
    files = [random_file(tmp_path / name, MB) for name in ("a", "b")]
    copy = tmp_path / "copy.zip"
    facts = run_pages(
        "sharing_transfer.mjs",
        *(*sites.urls, str(copy), "choose", *map(str, files)),
        patience=PATIENCE,
    )
    assert {f"2 files/{file.name}": digest_of(file) for file in files} == archived(copy)
    assert "2 files.zip" == facts["name"]


@pytest.mark.timeout(PATIENCE)
def test_a_download_goes_on_after_a_reload_and_is_passed_on(sites: Sites, tmp_path: Path) -> None:
    size = 40 * MB
    file = random_file(tmp_path / "large.bin", size)
    facts = run_pages("sharing_resume.mjs", *sites.urls, str(file), patience=PATIENCE)
    assert facts["after"] >= facts["before"] - 0.05  # what was on its way came again
    sent, unit = facts["sent"].split()
    assert "MB" == unit
    assert float(sent) * MB < 1.1 * size
    digests = {facts[name] for name in ("first", "second", "again")}
    assert {digest_of(file)} == digests
    assert "1 download kept in this browser, up to 40.0 MB" == facts["kept"]
    assert [] == facts["left"]


@pytest.mark.timeout(PATIENCE)
def test_pages_say_why_nothing_happens(sites: Sites) -> None:
    with reserved_port() as port:
        flags = ("--port", str(port))
        tracker = TrackerProcess().start(*flags)
        try:
            with running_script(
                "sharing_trouble.mjs",
                *(require("chromium"), sites.urls[0], url_of(tracker)),
                packages=PACKAGES,
                patience=PATIENCE,
            ) as run:
                assert "stop" == run.line()
                tracker.stop()
                run.go_on()
                assert "start" == run.line()
                tracker = TrackerProcess().start(*flags)
                run.go_on()
                said = facts_of(run.rest())["said"]
        finally:
            tracker.kill()
    for name, words in {
        "get without WebRTC": "WebRTC is missing or switched off",
        "share without WebRTC": "WebRTC is missing or switched off",
        "wrong link": "This link is not complete",
        "no link": "This link is not complete",
        "nobody": "Ask the person who sent you the link",
        "status": "Looking for someone who has it",
        "second tab": "close that tab and reload",
        "offline": "This device is offline",
        "down": "This page tries again by itself",
    }.items():
        assert words in said[name], name


@pytest.mark.timeout(PATIENCE)
def test_a_video_starts_to_play_before_it_is_complete(sites: Sites, tmp_path: Path) -> None:
    facts = run_pages(
        "sharing_video.mjs", *sites.urls, str(tmp_path), str(200 * MB), patience=PATIENCE
    )
    assert facts["played"] > 1
    assert facts["width"] > 0
    assert not facts["complete"]
    assert facts["arrived"] < 1


@pytest.mark.timeout(PATIENCE)
def test_pages_over_plain_http_go_through_memory(sites: Sites, tmp_path: Path) -> None:
    file, copy = random_file(tmp_path / "small.bin", 3 * MB), tmp_path / "copy"
    facts = run_pages(
        "sharing_http.mjs",
        *("tracker.example", str(sites.first.ports["http"]), str(file), str(copy)),
        patience=PATIENCE,
    )
    assert not facts["secure"]
    assert (file.name, digest_of(file)) == (facts["name"], digest_of(copy))
    assert facts["link"].startswith("http://tracker.example:")
    assert [] == facts["notices"]


@pytest.mark.timeout(PATIENCE)
def test_pages_that_hide_their_address_go_through_the_relay(tmp_path: Path) -> None:
    file, copy = random_file(tmp_path / "small.bin", 2 * MB), tmp_path / "copy"
    with (
        running_turn_server(SECRET) as port,
        running_tracker(
            *("--ice-turn", f"turn:127.0.0.1:{port}"), env={"TRACKER_ICE_TURN_SECRET": SECRET}
        ) as tracker,
    ):
        facts = run_pages(
            "sharing_relay.mjs", url_of(tracker), str(file), str(copy), patience=PATIENCE
        )
    assert ["relay"] == facts["types"]
    assert digest_of(file) == digest_of(copy)
    wording = {page: " ".join(sentences) for page, sentences in facts["wording"].items()}
    assert "see your IP address" in wording["direct"]
    assert "relay" not in wording["direct"]
    for page in ("share", "get"):
        assert "see the IP address of the relay instead of yours" in wording[page], page
        assert "straight" not in wording[page], page
        assert "see your IP address" not in wording[page], page
