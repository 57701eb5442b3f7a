"""Two WebTorrent pages find each other, and the data goes from one to the other over WebRTC."""

from pathlib import Path

import pytest

from tests.clients.node import run_script
from tests.clients.sample import Sample
from tests.tracker_process import TrackerProcess


@pytest.mark.parametrize("left", [None, 0], ids=["their own left", "both left 0"])
def test_one_page_downloads_from_the_other_that_the_tracker_relayed_offers_to(
    chromium: str, tracker: TrackerProcess, sample: Sample, tmp_path: Path, left: int | None
) -> None:
    content = sample.write_content(tmp_path)
    digest = run_script(
        "webtorrent_pages.mjs",
        chromium,
        tracker.ws_url,
        str(content),
        *([] if left is None else [tracker.ws_url, str(left)]),
        packages=("playwright-core", "webtorrent"),
    )
    assert sample.digest == digest.strip()
