"""rtorrent downloads from a libtorrent; its own library, of the same name, is another one."""

import subprocess
from pathlib import Path

import pytest

from tests.clients.libtorrents import join
from tests.clients.sample import Sample, digest_of
from tests.tools import MORTAL, require
from tests.tracker_process import TrackerProcess

PATIENCE = 40  # seconds for the download


def download_with_rtorrent(torrent: Path, folder: Path, home: Path) -> str:
    """Run rtorrent until it has the file; returns what it wrote."""
    folder.mkdir()
    home.mkdir()
    commands = (
        f"directory.default.set = {folder}",
        f"session.path.set = {home}",
        "system.daemon.set = true",  # no terminal
        "dht.mode.set = disable",
        "network.bind_address.set = 127.0.0.1",
        "network.port_range.set = 21000-31000",  # the first free one, below those that others get
        "network.port_random.set = yes",
        "protocol.pex.set = no",
        "trackers.use_udp.set = yes",
        'method.set_key = event.download.finished, quit, "system.shutdown.normal="',
        f"load.start = {torrent}",
    )
    (home / "rtorrent.rc").write_text("".join(f"{command}\n" for command in commands))
    run = subprocess.run(
        [*MORTAL, require("rtorrent"), "-n", "-o", f"import={home}/rtorrent.rc"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        text=True,
        timeout=PATIENCE,
    )
    assert 0 == run.returncode, run.stdout
    return run.stdout


@pytest.mark.parametrize("protocol", ["http", "udp"])
def test_rtorrent_downloads_from_the_libtorrent_that_the_tracker_named(
    protocol: str, tracker: TrackerProcess, sample: Sample, tmp_path: Path
) -> None:
    torrent = sample.write_torrent(tmp_path, tracker.url(protocol))
    seeder = join(torrent, sample.write_content(tmp_path / "seeder").parent)
    seeder.announced()

    output = download_with_rtorrent(torrent, tmp_path / "leecher", tmp_path / "home")

    assert sample.digest == digest_of(tmp_path / "leecher" / sample.name), output
