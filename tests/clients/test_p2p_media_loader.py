"""P2P Media Loader: a page gets the segments of a stream from another page over WebRTC."""

import json
import os
from hashlib import sha256
from pathlib import Path

from tests.clients.node import run_script
from tests.tracker_process import TrackerProcess

SEGMENTS = 4
SIZE = 100_000  # bytes: more than fit into one message between pages


def test_a_page_loads_a_stream_from_the_page_that_the_tracker_relayed_offers_to(
    chromium: str, tracker: TrackerProcess, tmp_path: Path
) -> None:
    segments = [tmp_path / str(number) for number in range(SEGMENTS)]
    for segment in segments:
        segment.write_bytes(os.urandom(SIZE))

    report = run_script(
        "p2p_media_loader_pages.mjs",
        chromium,
        tracker.ws_url,
        *map(str, segments),
        packages=("playwright-core", "p2p-media-loader-core"),
    )

    digests = [sha256(segment.read_bytes()).hexdigest() for segment in segments]
    assert json.loads(report) == [
        [{"source": source, "digest": digest} for digest in digests] for source in ("http", "p2p")
    ]
