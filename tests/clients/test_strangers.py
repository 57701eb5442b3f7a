"""Clients stay connected and usable, whatever a stranger in their swarm sends them."""

from pathlib import Path
from urllib.request import urlopen

from tests.clients.libtorrents import join
from tests.clients.node import running_script
from tests.clients.sample import Sample, digest_of
from tests.clients.stranger import stranger
from tests.tracker_process import TrackerProcess, running_tracker

TWO_HANDSHAKES = 'tracker_requests_total{action="websocket",outcome="ok",protocol="http"} 2.0'


def metrics(tracker: TrackerProcess) -> str:
    """Return all metrics of a tracker."""
    with urlopen(f"{tracker.admin_url}/metrics") as reply:
        text: str = reply.read().decode()
    return text


def test_a_libtorrent_stays_connected(sample: Sample, tmp_path: Path) -> None:
    with running_tracker() as tracker:
        torrent = sample.write_torrent(tmp_path, tracker.ws_url)
        with stranger(tracker.ws_url, sample.info_hash) as other:
            leecher = join(torrent, tmp_path / "leecher")
            leecher.announced()
            other.offered()
            other.send_offers()
            other.send_replies()
            leecher.announce_again()
            # One of the leecher, and one of the stranger.
            assert TWO_HANDSHAKES in metrics(tracker)
        seeder = join(torrent, sample.write_content(tmp_path / "seeder").parent)
        seeder.announced()
        leecher.finished()
        leecher.flushed()
        assert sample.digest == digest_of(tmp_path / "leecher" / sample.name)
        assert 'kind="offer",outcome="flood"' not in metrics(tracker)


def test_a_page_with_webtorrent_receives_what_others_send_afterwards(
    chromium: str, sample: Sample, tmp_path: Path
) -> None:
    packages = ("playwright-core", "webtorrent")
    with running_tracker() as tracker:
        torrent = sample.write_torrent(tmp_path, tracker.ws_url)
        with (
            stranger(tracker.ws_url, sample.info_hash) as other,
            running_script(
                "webtorrent_page.mjs", chromium, str(torrent), packages=packages
            ) as page,
        ):
            other.offered()
            other.send_offers()
            other.send_replies()
            seeder = join(torrent, sample.write_content(tmp_path / "seeder").parent)
            seeder.announced()
            assert sample.digest == page.rest().strip()
        assert 'kind="offer",outcome="flood"' not in metrics(tracker)
