"""libtorrent over WebSocket: it goes on announcing after a failure."""

from pathlib import Path

from tests.clients.sample import Sample
from tests.redis_clusters import until
from tests.redis_servers import RedisServer, redis_servers
from tests.tools import require_module
from tests.tracker_process import running_tracker
from tracker.model import Family
from tracker.store.keys import swarm_key


def members(redis: RedisServer, sample: Sample) -> int:
    """Return how many browsers are in the swarm."""
    with redis.client() as client:
        return int(client.zcard(swarm_key(Family.BROWSER, sample.info_hash)))


def test_libtorrent_is_in_its_swarm_again_after_an_outage_of_redis(
    sample: Sample, tmp_path: Path
) -> None:
    require_module("libtorrent")
    from tests.clients.libtorrent_peer import (  # noqa: PLC0415 - wheels for some platforms only
        LibtorrentPeer,
    )

    with redis_servers() as start:
        redis = start()
        with running_tracker("--redis-url", redis.url) as tracker:
            torrent = sample.write_torrent(tmp_path, tracker.url("ws"))
            content = sample.write_content(tmp_path / "seeder")
            peer = LibtorrentPeer(torrent, content.parent, "127.0.0.1")
            assert 0 == peer.announced()
            assert 1 == members(redis, sample)
            redis.kill()
            until(lambda: "redis.lost" in tracker.stderr)
            assert 0 == peer.announce_again()
            redis.start()
            until(lambda: tracker.stderr.count("redis.up") == 2)
            peer.announce_again()
            assert 1 == members(redis, sample)
