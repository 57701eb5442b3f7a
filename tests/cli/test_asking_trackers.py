"""``tracker announce`` and ``tracker scrape`` with real trackers: torrents, links and mistakes."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.screens import run_on_terminal
from tests.redis_servers import TlsFiles
from tests.tools import reserved_port
from tests.tracker_process import TrackerProcess, running_tracker
from tracker.cli import main
from tracker.torrent import Version, collect, create, magnet

HASH = bytes(range(20)).hex()
EMPTY = "0        0         0"
Capture = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def tracker() -> Iterator[TrackerProcess]:
    with running_tracker() as process:
        yield process


@pytest.fixture(scope="module")
def tls_tracker(tls_files: TlsFiles) -> Iterator[TrackerProcess]:
    files = ("--tls-cert", str(tls_files.cert), "--tls-key", str(tls_files.key))
    with running_tracker("--only", "http,ws", *files) as process:
        yield process


@pytest.fixture
def content(tmp_path: Path) -> Path:
    (file := tmp_path / "file.bin").write_bytes(tmp_path.name.encode())
    return file


def leechers(capsys: Capture) -> list[int]:
    """The counts that a scrape printed."""
    rows = capsys.readouterr().out.partition("completed\n")[2].partition("\n\n")[0]
    return [int(row.split()[2]) for row in rows.splitlines()]


@pytest.mark.parametrize("protocol", ["http", "udp"])
@pytest.mark.parametrize("version", Version)
def test_a_torrent_names_its_swarms_and_its_tracker(
    tracker: TrackerProcess, content: Path, capsys: Capture, protocol: str, version: Version
) -> None:
    made = create(collect([content], f"{protocol}-{version}"), [[tracker.url(protocol)]], version)
    file = content.parent / "x.torrent"
    file.write_bytes(made.content)
    assert 0 == main(["announce", str(file), "--stay"])
    assert capsys.readouterr().out.startswith(f"tracker       {tracker.url(protocol)}\n")
    assert 0 == main(["scrape", str(file)])
    assert [1, 0][: len(made.info_hashes)] == leechers(capsys)
    assert 0 == main(["scrape", magnet(made.info_hashes, "x", [tracker.udp_url])])
    assert [1, 0][: len(made.info_hashes)] == leechers(capsys)
    assert 0 == main(["announce", str(file), "--event", "stopped"])
    capsys.readouterr()
    assert 0 == main(["scrape", str(file)])
    assert [0] * len(made.info_hashes) == leechers(capsys)


@pytest.mark.parametrize("protocol", ["http", "udp", "ws"])
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_an_announce_leaves_no_peer_behind(
    tracker: TrackerProcess, capsys: Capture, protocol: str, host: str
) -> None:
    url = tracker.url(protocol, host)
    assert 0 == main(["announce", url, HASH])
    assert "leechers      1\n" in capsys.readouterr().out
    assert 0 == main(["scrape", url, HASH])
    assert [0] == leechers(capsys)


def test_a_url_outweighs_the_trackers_in_the_torrent(
    tracker: TrackerProcess, content: Path, capsys: Capture
) -> None:
    link = magnet([bytes(20)], "x", ["udp://127.0.0.1:1"])
    assert 0 == main(["scrape", link, tracker.udp_url])
    assert [0] == leechers(capsys)


def test_the_next_tracker_is_asked_if_one_does_not_answer(
    tracker: TrackerProcess, capsys: Capture
) -> None:
    with reserved_port() as closed:
        urls = [f"http://127.0.0.1:{closed}/announce", "dht://x", tracker.udp_url]
        assert 0 == main(["scrape", magnet([bytes(20)], "x", urls)])
    out, err = capsys.readouterr()
    assert out.endswith(f"\n\ntracker  {tracker.udp_url}\n")
    (line,) = err.splitlines()
    assert line.startswith(
        f"tracker: {urls[0]}: cannot reach 127.0.0.1:{closed}: Connection refused;"
    )


@pytest.mark.usefixtures("runtime_directory")
@pytest.mark.parametrize("command", ["announce", "scrape"])
def test_the_tracker_on_this_machine_is_asked_if_no_other_is_named(
    capsys: Capture, command: str
) -> None:
    assert 2 == main([command, HASH])
    assert capsys.readouterr().err == (
        "tracker: which tracker? no tracker of this user runs on this machine: name its URL\n"
    )
    with running_tracker() as here:
        assert 0 == main([command, HASH])
        assert f"udp://localhost:{here.ports['udp']}/announce\n" in capsys.readouterr().out


def test_what_is_neither_a_torrent_nor_a_url_is_told_what_it_could_be(capsys: Capture) -> None:
    assert 2 == main(["scrape", "localhost:8000"])
    assert capsys.readouterr().err == (
        "tracker: localhost:8000 is neither an info_hash (40 or 64 hex digits, or 32 of base32) "
        "nor a magnet link nor an existing file; "
        "a URL begins with udp://, http://, https://, ws://, wss://\n"
    )


@pytest.mark.parametrize("command", ["announce", "scrape"])
@pytest.mark.parametrize("scheme", ["http", "ws"])
def test_a_plain_url_of_a_port_with_tls_is_told_the_other_scheme(
    tls_tracker: TrackerProcess, capsys: Capture, command: str, scheme: str
) -> None:
    url = tls_tracker.url(scheme)
    assert 1 == main([command, url, HASH])
    secure = url.replace(scheme, f"{scheme}s", 1)
    assert capsys.readouterr().err.endswith(f"; this port speaks TLS: ask {secure}\n")


@pytest.mark.parametrize("command", ["announce", "scrape"])
@pytest.mark.parametrize("scheme", ["http", "ws"])
def test_a_tls_url_of_a_plain_port_is_told_the_other_scheme(
    tracker: TrackerProcess, capsys: Capture, command: str, scheme: str
) -> None:
    url = tracker.url(scheme)
    assert 1 == main([command, url.replace(scheme, f"{scheme}s", 1), HASH])
    assert capsys.readouterr().err.endswith(f"; this port does not speak TLS: ask {url}\n")


@pytest.mark.parametrize("command", ["announce", "scrape"])
@pytest.mark.parametrize("path", ["", "/"])
def test_a_missing_path_is_told_the_usual_one(
    tracker: TrackerProcess, capsys: Capture, command: str, path: str
) -> None:
    url = tracker.http_url.removesuffix("/announce")
    assert 1 == main([command, url + path, HASH])
    assert capsys.readouterr().err.endswith(f"try {url}/announce\n")


@pytest.mark.parametrize("columns", [80, 160])
def test_an_error_on_a_terminal_breaks_between_words(columns: int) -> None:
    with reserved_port() as closed:
        url = f"http://127.0.0.1:{closed}/announce"
        shown = run_on_terminal("scrape", url, HASH, columns=columns)
    assert 1 == shown.code
    assert [] == [line for line in shown.lines if len(line) > columns]
    assert (
        f"tracker: cannot reach 127.0.0.1:{closed}: Connection refused; no program listens on TCP "
        f"port {closed} there: check the port, and whether the tracker runs "
    ) == " ".join(line.strip() for line in shown.lines)
