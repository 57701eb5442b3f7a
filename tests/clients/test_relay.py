"""Pages that reach each other through a TURN server only, with credentials of the tracker."""

import json
import time
from pathlib import Path

from tests.clients.node import run_script
from tests.clients.sample import Sample
from tests.tracker_process import running_tracker
from tests.turn_server import running_turn_server
from tracker.policy.ice import turn_credential

SECRET = "0123456789abcdef0123456789abcdef"


def test_a_page_downloads_through_a_relay_that_refuses_wrong_credentials(
    chromium: str, sample: Sample, tmp_path: Path
) -> None:
    username, credential = turn_credential(SECRET.encode(), b"", time.time() - 120, 60)
    with (
        running_turn_server(SECRET) as port,
        running_tracker(
            *("--ice-turn", f"turn:127.0.0.1:{port}", "--ice-origins", "*"),
            env={"TRACKER_ICE_TURN_SECRET": SECRET},
        ) as tracker,
    ):
        report = json.loads(
            run_script(
                "relay_pages.mjs",
                chromium,
                tracker.ws_url,
                str(sample.write_content(tmp_path)),
                f"http://127.0.0.1:{tracker.ports['http']}/ice.json",
                json.dumps({"username": username, "credential": credential}),
                packages=("playwright-core", "webtorrent"),
            )
        )

    assert sample.digest == report["digest"]
    assert {"relay"} == set(report["types"])
    assert 401 == report["forged"]
    assert 401 == report["expired"]
