"""anacrolix/torrent, the library of clients in Go, downloads from a libtorrent and from a page."""

import subprocess
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

import pytest

from tests.clients.libtorrents import join
from tests.clients.node import running_script
from tests.clients.sample import Sample, digest_of
from tests.redis_clusters import until
from tests.tools import MORTAL
from tests.tracker_process import TrackerProcess

CLIENT = Path(__file__).parents[2] / ".cache/anacrolix/torrent"
PATIENCE = 40  # seconds for the download


class Download:
    """A download that goes on until all pieces are there and their hashes are right."""

    def __init__(self, process: subprocess.Popen[bytes], output: IO[bytes]) -> None:
        self._process, self._output = process, output

    @property
    def ended(self) -> bool:
        """Whether it needs no further peer."""
        return self._process.poll() is not None

    def finish(self) -> None:
        """Wait for its end, which must be a success."""
        try:
            code = self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            code = None
        self._output.seek(0)
        assert 0 == code, self._output.read().decode()


@contextmanager
def download(torrent: Path, folder: Path) -> Iterator[Download]:
    """Begin to download; the folder is made.

    The test skips where `scripts/test-tools` has not built the client, in CI too: packaged
    versions of Go may be too old for it.
    """
    if not CLIENT.exists():
        pytest.skip(
            "needs anacrolix/torrent, which scripts/test-tools builds with Go 1.24 or newer"
        )
    folder.mkdir()
    options = ("--no-dht", "--no-ipv6", "--no-pex", "--no-port-forward", "--no-progress")
    with (
        TemporaryFile() as output,
        subprocess.Popen(
            [*MORTAL, CLIENT, "download", *options, "--addr", "127.0.0.1:0", torrent],
            cwd=folder,
            stdout=output,
            stderr=output,
        ) as process,
    ):
        try:
            yield Download(process, output)
        finally:
            process.kill()


def test_it_downloads_from_the_libtorrent_that_the_tracker_named(
    tracker: TrackerProcess, sample: Sample, tmp_path: Path
) -> None:
    torrent = sample.write_torrent(tmp_path, tracker.http_url)
    seeder = join(torrent, sample.write_content(tmp_path / "seeder").parent)
    seeder.announced()
    with download(torrent, tmp_path / "leecher") as leecher:
        leecher.finish()
    assert sample.digest == digest_of(tmp_path / "leecher" / sample.name)


def test_it_downloads_from_the_libtorrent_that_was_given_its_address_over_udp(
    tracker: TrackerProcess, sample: Sample, tmp_path: Path
) -> None:
    """Its first announce over UDP asks for 0 peers, since it has not looked at its files yet."""
    torrent = sample.write_torrent(tmp_path, tracker.udp_url)
    seeder = join(torrent, sample.write_content(tmp_path / "seeder").parent)
    seeder.announced()
    with download(torrent, tmp_path / "leecher") as leecher:
        until(lambda: leecher.ended or seeder.announce_again() == 1)
        leecher.finish()
    assert sample.digest == digest_of(tmp_path / "leecher" / sample.name)


def test_it_downloads_from_the_page_that_the_tracker_relayed_offers_to(
    chromium: str, tracker: TrackerProcess, sample: Sample, tmp_path: Path
) -> None:
    content = sample.write_content(tmp_path / "seeder")
    packages = ("playwright-core", "webtorrent")
    arguments = (chromium, tracker.ws_url, str(content))
    with running_script("webtorrent_seeder.mjs", *arguments, packages=packages) as seeder:
        (torrent := tmp_path / "page.torrent").write_bytes(b64decode(seeder.line()))
        with download(torrent, tmp_path / "leecher") as leecher:
            leecher.finish()
        seeder.go_on()
        seeder.rest()
    assert sample.digest == digest_of(tmp_path / "leecher" / sample.name)
