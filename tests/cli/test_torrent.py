"""``tracker torrent``."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import bencodepy
import pytest

from tests.cli.screens import run_on_terminal
from tests.tools import MORTAL
from tests.tracker_process import running_tracker
from tracker.cli import main
from tracker.torrent import Version, collect, create, magnet

URL, WS_URL = "udp://tracker.test:8000/announce", "wss://tracker.test/"
Capture = pytest.CaptureFixture[str]


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "file.bin"
    file.write_bytes(os.urandom(20_000))
    return file


def test_it_writes_the_file_and_prints_hash_link_and_what_to_do_next(
    file: Path, capsys: Capture
) -> None:
    assert main(["torrent", "file.bin", "--announce", URL]) == 0
    made = create(collect([file], "file.bin"), [[URL]])
    assert made.content == Path("file.bin.torrent").read_bytes()
    out, err = capsys.readouterr()
    facts, _, steps = out.partition("\n\n")
    assert [
        ["file", "file.bin.torrent"],
        ["info_hash", made.info_hash.hex()],
        ["magnet", magnet(made.info_hashes, "file.bin", [URL])],
    ] == [line.split() for line in facts.splitlines()]
    assert ["Seed it: ", "Share it:", "Look: tra"] == [line[:9] for line in steps.splitlines()]
    assert "" == err


def test_all_options_reach_the_torrent(file: Path, capsys: Capture) -> None:
    argv = ["torrent", str(file), "--announce", URL, WS_URL, "--announce", "http://b.test/announce"]
    more = ["--name", "n", "--private", "--web-seed", "http://s/", "--comment", "c", "--hybrid"]
    assert main([*argv, *more, "--output", "out.torrent", "--json"]) == 0
    made = create(
        collect([file], "n"),
        [[URL, WS_URL], ["http://b.test/announce"]],
        Version.HYBRID,
        private=True,
        web_seeds=["http://s/"],
        comment="c",
    )
    assert made.content == Path("out.torrent").read_bytes()
    trackers = [URL, WS_URL, "http://b.test/announce"]
    of_v1, of_v2 = made.info_hashes
    assert json.loads(capsys.readouterr().out) == {
        "file": "out.torrent",
        "info_hash": of_v1.hex(),
        "info_hash_v2": of_v2.hex(),
        "magnet": magnet(made.info_hashes, "n", trackers, ["http://s/"]),
    }


def test_the_info_hash_of_version_2_is_printed_whole_and_as_trackers_see_it(
    file: Path, capsys: Capture
) -> None:
    assert main(["torrent", str(file), "--announce", URL, "--v2", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert 64 == len(facts["info_hash_v2"])
    assert facts["info_hash_v2"][:40] == facts["info_hash"]
    assert f"xt=urn:btmh:1220{facts['info_hash_v2']}&" in facts["magnet"]


def test_several_files_go_into_one_torrent(file: Path) -> None:
    Path("other").write_bytes(b"x")
    assert main(["torrent", str(file), "--name", "both", "other", "--announce", URL]) == 0
    info = bencodepy.decode(Path("both.torrent").read_bytes())[b"info"]
    assert [[b"file.bin"], [b"other"]] == [one[b"path"] for one in info[b"files"]]


def tiers(torrent: Path) -> list[list[bytes]]:
    found: list[list[bytes]] = bencodepy.decode(torrent.read_bytes())[b"announce-list"]
    return found


@pytest.mark.usefixtures("file")
def test_a_tracker_is_announced_to_over_each_protocol_in_a_tier_of_its_own() -> None:
    flags = ["--tracker", "[2001:db8::1]:8080", "--tracker", "tracker.test:443"]
    assert main(["torrent", "file.bin", "--announce", URL, WS_URL, *flags[:4]]) == 0
    assert [
        [URL.encode(), WS_URL.encode()],
        [b"udp://[2001:db8::1]:8080/announce"],
        [b"http://[2001:db8::1]:8080/announce"],
        [b"ws://[2001:db8::1]:8080/"],
        [b"https://tracker.test/announce"],
        [b"wss://tracker.test/"],
    ] == tiers(Path("file.bin.torrent"))


@pytest.mark.usefixtures("file")
def test_trackers_that_only_this_machine_reaches_are_pointed_out(capsys: Capture) -> None:
    assert main(["torrent", "file.bin", "--tracker", "127.0.0.1:1", "--json"]) == 0
    assert capsys.readouterr().err.startswith("tracker: only this machine reaches the trackers")


def test_the_tracker_on_this_machine_is_the_default(
    runtime_directory: Path, capsys: Capture
) -> None:
    (file := runtime_directory / "file.bin").write_bytes(b"content")
    argv = ["torrent", str(file), "--output", str(output := runtime_directory / "x.torrent")]
    assert main(argv) == 2
    assert capsys.readouterr().err == (
        "tracker: which tracker? no tracker of this user runs on this machine: "
        "name one with --tracker HOST:PORT\n"
    )
    with running_tracker() as tracker:
        assert main(argv) == 0
        place = f"localhost:{tracker.ports['http']}".encode()
        assert [
            [b"udp://" + place + b"/announce"],
            [b"http://" + place + b"/announce"],
            [b"ws://" + place + b"/"],
        ] == tiers(output)
        assert main(["scrape", str(output)]) == 0


def test_an_existing_file_is_overwritten_only_by_force(file: Path, capsys: Capture) -> None:
    (target := Path("file.bin.torrent")).write_bytes(b"precious")
    assert main(["torrent", str(file), "--announce", URL]) == 1
    assert capsys.readouterr().err == (
        "tracker: file.bin.torrent exists: overwrite it with --force, or choose another --output\n"
    )
    assert b"precious" == target.read_bytes()
    assert main(["torrent", str(file), "--announce", URL, "--force"]) == 0
    assert target.read_bytes().startswith(b"d8:announce")


def test_a_directory_can_hold_its_own_torrent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    (tmp_path / "dir" / "empty").mkdir(parents=True)
    (tmp_path / "dir" / "a").write_bytes(b"a")
    monkeypatch.chdir(tmp_path / "dir")
    assert main(["torrent", ".", "--announce", URL]) == 0
    first = Path("dir.torrent").read_bytes()
    assert main(["torrent", ".", "--announce", URL, "--force"]) == 0
    assert first == Path("dir.torrent").read_bytes()
    left_out = "tracker: left out, because a torrent holds files only: 1 empty directory\n"
    assert 2 * left_out == capsys.readouterr().err


@pytest.mark.usefixtures("file")
def test_a_file_after_the_urls_is_told_so(capsys: Capture) -> None:
    assert main(["torrent", "file.bin", "--announce", URL, "other.bin"]) == 2
    assert capsys.readouterr().err == (
        "tracker: other.bin is not the URL of a tracker (udp, http, https, ws, wss); "
        "FILE comes first\n"
    )
    assert not Path("file.bin.torrent").exists()


@pytest.mark.usefixtures("runtime_directory")
def test_a_missing_file_is_reported_before_a_missing_tracker(file: Path, capsys: Capture) -> None:
    assert main(["torrent", str(file), "missing"]) == 1
    assert "tracker: missing: No such file or directory\n" == capsys.readouterr().err


def test_what_cannot_be_shared_or_written_is_exit_code_1(file: Path, capsys: Capture) -> None:
    flags = ["--announce", URL]
    assert main(["torrent", str(file), "missing", *flags, "--name", "n"]) == 1
    assert main(["torrent", str(file), str(file), *flags]) == 1
    assert main(["torrent", str(file), *flags, "--output", "nowhere/x.torrent"]) == 1
    missing, nameless, nowhere = capsys.readouterr().err.splitlines()
    assert "tracker: missing: No such file or directory" == missing
    assert "need a name" in nameless
    assert nowhere.startswith("tracker: nowhere/")
    assert nowhere.endswith(": No such file or directory")


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """A directory of two files that have no blocks on disk, and a name that is hostile."""
    (folder := tmp_path / "large\x1b[2Jfiles, with a name that is too long for a bar").mkdir()
    for name in ("a", "b"):
        with (folder / name).open("wb") as file:
            file.truncate(300 * 2**20)
    return folder


@pytest.mark.parametrize("columns", [80, 160])
def test_a_bar_shows_the_progress_of_large_files(large: Path, columns: int) -> None:
    flags = ("--announce", URL, "--output", "x.torrent")
    shown = run_on_terminal("torrent", large.name, *flags, folder=large.parent, columns=columns)
    assert 0 == shown.code
    bars = [line for line in shown.lines[0].split("\r") if "%" in line]
    assert bars
    assert {columns} >= {len(bar.rstrip("\n")) for bar in bars}
    assert all(bar.startswith(r"large\x1b[2Jfiles, with a … ") for bar in bars)
    assert b"\x1b[2J" not in shown.raw
    assert b"\x1b[?25h" in shown.raw  # the cursor is visible again
    assert (large.parent / "x.torrent").exists()


@pytest.mark.parametrize("reason", ["--json", "a small file", "a dumb terminal"])
def test_there_is_no_bar_for_programs_small_files_and_dumb_terminals(
    large: Path, file: Path, reason: str
) -> None:
    source = file.name if reason == "a small file" else large.name
    flags = ("--announce", URL, "--output", "x.torrent")
    shown = run_on_terminal(
        *("torrent", source, *flags, *(["--json"] if reason == "--json" else [])),
        folder=large.parent,
        env={"TERM": "dumb"} if reason == "a dumb terminal" else {},
    )
    assert 0 == shown.code
    assert shown.raw.startswith((b"file", b"{"))
    assert b"\x1b" not in shown.raw


def test_an_interrupt_leaves_nothing_behind(tmp_path: Path) -> None:
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(2**40)
    flags = ("--announce", URL, "--name", "n")
    command = (*MORTAL, sys.executable, "-m", "tracker", "torrent", "huge", *flags)
    with subprocess.Popen(
        command,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.getcwd()},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        while not _is_open(process.pid, tmp_path / "huge"):
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        assert (b"", b"") == process.communicate(timeout=20)
    assert 1 == process.returncode
    assert ["huge"] == os.listdir(tmp_path)


def _is_open(pid: int, path: Path) -> bool:
    """Whether a process has a file open."""
    folder = Path(f"/proc/{pid}/fd")
    for each in folder.iterdir():
        try:
            if each.readlink() == path:
                return True
        except FileNotFoundError:  # it has been closed meanwhile
            continue
    return False
