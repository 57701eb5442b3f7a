"""libtorrent over WebSocket: it finds libtorrents and pages, and has thousands of torrents."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.clients.libtorrents import join, join_many
from tests.clients.node import run_script
from tests.clients.sample import Sample, digest_of
from tests.redis_clusters import until
from tests.redis_servers import RedisServer, redis_servers
from tests.tracker_process import TrackerProcess, running_tracker
from tracker.model import Family
from tracker.store.keys import swarm_key

TORRENTS = 2000
AGAIN = 500  # of them
FILES = 4 * TORRENTS  # more than that libtorrent has open: two for each torrent
ONE_HANDSHAKE = 'tracker_requests_total{action="websocket",outcome="ok",protocol="http"} 1.0'


def members(redis: RedisServer, *info_hashes: bytes) -> int:
    """Return how many browsers are in these swarms."""
    with redis.client() as client:
        pipeline = client.pipeline()
        for info_hash in info_hashes:
            pipeline.zcard(swarm_key(Family.BROWSER, info_hash))
        return sum(pipeline.execute())


@contextmanager
def open_files_allowed(count: int) -> Iterator[None]:
    """Let this process have that many files open; skips the test where that is forbidden."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < count:
        pytest.skip(f"needs {count} open files, and `ulimit -Hn` is {hard}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, count), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_libtorrent_downloads_from_the_libtorrent_that_the_tracker_relayed_offers_to(
    tracker: TrackerProcess, sample: Sample, tmp_path: Path
) -> None:
    torrent = sample.write_torrent(tmp_path, tracker.ws_url)
    seeder = join(torrent, sample.write_content(tmp_path / "seeder").parent)
    seeder.announced()
    leecher = join(torrent, tmp_path / "leecher")
    leecher.finished()
    leecher.flushed()
    assert sample.digest == digest_of(tmp_path / "leecher" / sample.name)


def test_a_page_downloads_from_the_libtorrent_that_the_tracker_relayed_offers_to(
    chromium: str, tracker: TrackerProcess, sample: Sample, tmp_path: Path
) -> None:
    torrent = sample.write_torrent(tmp_path, tracker.ws_url)
    seeder = join(torrent, sample.write_content(tmp_path / "seeder").parent)
    seeder.announced()
    packages = ("playwright-core", "webtorrent")
    digest = run_script("webtorrent_page.mjs", chromium, str(torrent), packages=packages)
    assert sample.digest == digest.strip()


def test_libtorrent_is_in_its_swarm_again_after_an_outage_of_redis(
    sample: Sample, tmp_path: Path
) -> None:
    with redis_servers() as start:
        redis = start()
        with running_tracker("--redis-url", redis.url) as tracker:
            torrent = sample.write_torrent(tmp_path, tracker.url("ws"))
            content = sample.write_content(tmp_path / "seeder")
            peer = join(torrent, content.parent)
            assert 0 == peer.announced()
            assert 1 == members(redis, sample.info_hash)
            redis.kill()
            until(lambda: "redis.away" in tracker.stderr)
            assert 0 == peer.announce_again()
            redis.start()
            until(lambda: "redis.up" in tracker.stderr)
            peer.announce_again()
            assert 1 == members(redis, sample.info_hash)


def test_all_torrents_of_a_libtorrent_are_announced_on_one_socket_and_stay_in_their_swarms(
    tmp_path: Path,
) -> None:
    """Together they send twice as many messages and offers as one socket may send at once."""
    with redis_servers() as start, open_files_allowed(FILES):
        redis = start()
        with running_tracker("--redis-url", redis.url) as tracker:
            crowd = join_many(TORRENTS, tracker.ws_url, tmp_path)
            assert set(crowd.info_hashes) == crowd.announced(TORRENTS)
            assert TORRENTS == members(redis, *crowd.info_hashes)
            assert set(crowd.info_hashes[:AGAIN]) == crowd.announce_again(AGAIN)
            assert TORRENTS == members(redis, *crowd.info_hashes)
            with urlopen(f"{tracker.admin_url}/metrics") as reply:
                metrics = reply.read().decode()
            assert ONE_HANDSHAKE in metrics
            assert "tracker_closed_total{" not in metrics
