"""Two browsers find each other, and the data goes from one to the other over WebRTC."""

from pathlib import Path

from tests.clients.node import run_script
from tests.clients.sample import Sample
from tests.tools import require
from tests.tracker_process import TrackerProcess


def test_one_page_downloads_from_the_other_that_the_tracker_relayed_offers_to(
    tracker: TrackerProcess, sample: Sample, tmp_path: Path
) -> None:
    content = sample.write_content(tmp_path)
    digest = run_script(
        "browsers.mjs",
        require("chromium"),
        tracker.ws_url,
        str(content),
        packages=("playwright-core", "webtorrent"),
    )
    assert sample.digest == digest.strip()
