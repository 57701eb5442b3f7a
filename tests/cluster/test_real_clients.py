"""Real clients whose requests meet different frontends, and find each other all the same."""

import json
from pathlib import Path

import pytest

from tests.clients.libtorrents import join
from tests.clients.node import run_script, running_chromium, running_script
from tests.clients.sample import Sample, digest_of
from tests.cluster.fleet import Fleet, running_fleet
from tests.cluster.parting import parting
from tests.redis_servers import StartRedis


@pytest.fixture
def sample() -> Sample:
    """A torrent of random content, so of a swarm that nobody else is in."""
    return Sample.random()


def test_pages_on_two_frontends_exchange_a_file(
    fleet: Fleet, sample: Sample, tmp_path: Path
) -> None:
    seeders, leechers = (frontend.tracker.ws_url for frontend in fleet.frontends[:2])
    with running_chromium() as chromium:
        digest = run_script(
            "webtorrent_pages.mjs",
            chromium,
            seeders,
            str(sample.write_content(tmp_path)),
            leechers,
            packages=("playwright-core", "webtorrent"),
        )
    assert sample.digest == digest.strip()


@pytest.mark.timeout(120)
def test_pages_keep_their_sockets_and_meet_while_a_frontend_is_replaced(
    start_redis: StartRedis, tmp_path: Path
) -> None:
    """Pages on the old frontend find files on the new one, and the other way round."""
    first, second, third = samples = [Sample.random() for _ in range(3)]
    files = [str(each.write_content(tmp_path)) for each in samples]
    with (
        running_fleet(start_redis().url, 2, "--ws-drain", "300") as fleet,
        running_chromium() as chromium,
    ):
        old, new = (frontend.tracker for frontend in fleet.frontends)
        with running_script(
            "rolling_pages.mjs",
            *(chromium, old.ws_url, new.ws_url, *files),
            packages=("playwright-core", "webtorrent"),
            patience=90,
        ) as pages:
            assert "ready" == pages.line()
            old.drain()
            pages.go_on()
            assert {
                "early": first.digest,
                "late": first.digest,
                "last": first.digest,
                "later": second.digest,
                "patient": third.digest,
            } == json.loads(pages.line())
            assert old.running
            pages.go_on()
            assert "0\n" == pages.rest()
        old.ended()  # the last page has gone


def test_libtorrents_that_connect_at_one_frontend_announce_at_another(
    fleet: Fleet, sample: Sample, tmp_path: Path
) -> None:
    with parting(*fleet.frontends[:2]) as between:
        torrent = sample.write_torrent(tmp_path, between.url)
        files = sample.write_content(tmp_path / "seeder").parent
        seeder = join(torrent, files)
        assert 0 == seeder.announced()
        leecher = join(torrent, tmp_path / "leecher")
        assert 1 == leecher.announced()
        leecher.finished()
        leecher.flushed()
        assert sample.digest == digest_of(tmp_path / "leecher" / sample.name)
    assert {True, False} == between.parted.keys()
