"""libtorrent to libtorrent: HTTP and UDP, IPv4 and IPv6 (BEP 3, 7, 15)."""

from pathlib import Path

import pytest

from tests.clients.libtorrents import join
from tests.clients.sample import Sample, digest_of
from tests.tracker_process import TrackerProcess


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
@pytest.mark.parametrize("protocol", ["http", "udp"])
def test_libtorrent_downloads_from_the_libtorrent_that_the_tracker_named(
    protocol: str, host: str, tracker: TrackerProcess, sample: Sample, tmp_path: Path
) -> None:
    torrent = sample.write_torrent(tmp_path, tracker.url(protocol, host))

    seeder = join(torrent, sample.write_content(tmp_path / "seeder").parent, host)
    assert 0 == seeder.announced()
    assert (1, 0) == seeder.counts()

    leecher = join(torrent, tmp_path / "leecher", host)
    assert 1 == leecher.announced()
    leecher.finished()
    leecher.announced()  # that it has completed
    assert (2, 0) == leecher.counts()

    leecher.flushed()
    assert sample.digest == digest_of(tmp_path / "leecher" / sample.name)
