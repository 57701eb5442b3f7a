"""The npm package `bittorrent-tracker`, the client of WebTorrent, over all three protocols."""

import json

import pytest

from tests.clients.node import run_script
from tests.clients.sample import Sample
from tests.tracker_process import TrackerProcess

SEEDER, LEECHER = "127.0.0.1:1001", "127.0.0.1:1002"
LIFE = [
    # step, counts that come back (seeders, leechers, and in a scrape completed), peers
    ("seeder start", [1, 0], []),
    ("leecher start", [1, 1], [SEEDER]),
    ("scrape", [1, 1, 0], []),
    ("seeder update", [1, 1], [LEECHER]),
    ("leecher update", [1, 1], [SEEDER]),
    ("leecher complete", [2, 0], []),  # seeders are not sent seeders
    ("leecher complete", [2, 0], []),
    ("scrape", [2, 0, 1], []),  # a peer completes once
    ("seeder stop", [1, 0], []),
    ("leecher stop", [0, 0], []),
    ("scrape", [0, 0, 1], []),
]


@pytest.mark.parametrize("protocol", ["http", "udp", "ws"])
def test_counts_and_peers_are_right_at_every_step_of_a_swarms_life(
    protocol: str, tracker: TrackerProcess, sample: Sample
) -> None:
    output = run_script(
        "npm_client.mjs",
        tracker.url(protocol),
        sample.info_hash.hex(),
        packages=("bittorrent-tracker",),
    )
    steps = [json.loads(line) for line in output.splitlines()]
    assert [
        {"step": step, "counts": counts, "peers": [] if protocol == "ws" else peers}
        for step, counts, peers in LIFE
    ] == steps
