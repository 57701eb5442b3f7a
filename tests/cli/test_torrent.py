"""``tracker torrent``."""

import json
import os
from pathlib import Path

import bencodepy
import pytest

from tracker.cli import main
from tracker.torrent import create, magnet

URL, WS_URL = "udp://tracker.test:8000/announce", "wss://tracker.test/"


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "file.bin"
    file.write_bytes(os.urandom(20_000))
    return file


def test_it_writes_the_file_and_prints_hash_and_link(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["torrent", "file.bin", "--announce", URL]) == 0
    made = create([file], [[URL]])
    assert made.content == Path("file.bin.torrent").read_bytes()
    assert [
        ["file", "file.bin.torrent"],
        ["info_hash", made.info_hash.hex()],
        ["magnet", magnet(made.info_hash, "file.bin", [URL])],
    ] == [line.split() for line in capsys.readouterr().out.splitlines()]


def test_all_options_reach_the_torrent(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    argv = ["torrent", str(file), "--announce", URL, WS_URL, "--announce", "http://b.test/announce"]
    more = ["--name", "n", "--private", "--web-seed", "http://s/", "--comment", "c"]
    assert main([*argv, *more, "--output", "out.torrent", "--json"]) == 0
    made = create(
        [file],
        [[URL, WS_URL], ["http://b.test/announce"]],
        name="n",
        private=True,
        web_seeds=["http://s/"],
        comment="c",
    )
    assert made.content == Path("out.torrent").read_bytes()
    trackers = [URL, WS_URL, "http://b.test/announce"]
    assert json.loads(capsys.readouterr().out) == {
        "file": "out.torrent",
        "info_hash": made.info_hash.hex(),
        "magnet": magnet(made.info_hash, "n", trackers, ["http://s/"]),
    }


def test_several_files_go_into_one_torrent(file: Path) -> None:
    Path("other").write_bytes(b"x")
    assert main(["torrent", str(file), "other", "--name", "both", "--announce", URL]) == 0
    info = bencodepy.decode(Path("both.torrent").read_bytes())[b"info"]
    assert [[b"file.bin"], [b"other"]] == [one[b"path"] for one in info[b"files"]]


def test_a_file_after_the_urls_is_told_so(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["torrent", str(file), "--announce", URL, "other.bin"]) == 2
    assert capsys.readouterr().err.startswith("tracker: other.bin is no tracker's URL")
    assert not Path("file.bin.torrent").exists()


def test_what_cannot_be_shared_is_exit_code_1(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["torrent", str(file), "missing", "--announce", URL, "--name", "n"]) == 1
    assert main(["torrent", str(file), str(file), "--announce", URL]) == 1
    missing, nameless = capsys.readouterr().err.splitlines()
    assert "No such file" in missing
    assert "need a name" in nameless
