"""libtorrent with an IPv4 and an IPv6 address: it announces once from each."""

from pathlib import Path

import pytest

from tests.clients.sample import Sample
from tests.tools import require_module
from tests.tracker_process import TrackerProcess


@pytest.mark.parametrize(("protocol", "peers"), [("http", 2), ("udp", 1)])
def test_libtorrent_is_counted_once_and_is_not_given_itself(
    protocol: str, peers: int, tracker: TrackerProcess, sample: Sample, tmp_path: Path
) -> None:
    require_module("libtorrent")
    from tests.clients.libtorrent_peer import (  # noqa: PLC0415 - wheels for some platforms only
        LibtorrentPeer,
    )

    urls = [tracker.url(protocol, host) for host in ("127.0.0.1", "::1")]
    torrent = sample.write_torrent(tmp_path / "both", *urls)
    both = LibtorrentPeer(torrent, tmp_path, "127.0.0.1", "[::1]")
    assert [0, 0] == [both.announced(), both.announced()]
    assert 1 == both.leechers()

    torrent = sample.write_torrent(tmp_path / "one", urls[0])
    other = LibtorrentPeer(torrent, tmp_path, "127.0.0.1")
    assert peers == other.announced()
    assert 3 == other.leechers()
