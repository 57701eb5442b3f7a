"""The npm package `bittorrent-tracker`, the client of WebTorrent, over all three protocols."""

import json
from pathlib import Path

import pytest

from tests.clients.node import run_script
from tests.clients.sample import Sample
from tests.redis_clusters import until
from tests.tracker_process import TrackerProcess, running_tracker

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


CALLS = [
    ("start", [0, 1]),
    ("an announce that the interval brings", [0, 1]),
    ("start with getAnnounceOpts", [1, 1]),
    ("peers with numwant 1", 1),
    ("scrape of two swarms", [[1, 1, 0], [0, 0, 0]]),
    ("stop", [0, 1]),
    ("start in another swarm", [1, 0]),
    ("update after a client of the same socket was destroyed", [0, 1]),
    ("warning of a torrent that is refused", "this torrent is not allowed"),
    ("stop of the last one", [0, 0]),
]


@pytest.mark.parametrize("protocol", ["http", "udp", "ws"])
def test_calls_and_options_do_what_the_client_expects(protocol: str, tmp_path: Path) -> None:
    # ASCII: over HTTP, the client decodes the hashes of a scrape as UTF-8.
    info_hash, other, denied = (letter.encode() * 20 for letter in "abc")
    (list_of_denied := tmp_path / "denied.txt").write_text(f"{denied.hex()}\n")
    with running_tracker("--access-deny", str(list_of_denied)) as tracker:
        until(lambda: "access.changed" in tracker.stderr)
        output = run_script(
            "npm_client_calls.mjs",
            tracker.url(protocol),
            *(each.hex() for each in (info_hash, other, denied)),
            packages=("bittorrent-tracker",),
        )
    calls = [json.loads(line) for line in output.splitlines()]
    assert [
        {"call": call, "result": result}
        for call, result in CALLS
        if protocol != "ws" or call != "peers with numwant 1"  # over WebSocket there are offers
    ] == calls
