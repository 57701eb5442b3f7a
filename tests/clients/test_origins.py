"""Pages of websites that are not allowed get no WebSocket of the tracker."""

import json
from urllib.request import urlopen

from tests.clients.node import run_script
from tests.tools import reserved_port
from tests.tracker_process import running_tracker

NAMES = {
    "videos.localhost": "open",
    "www.videos.localhost": "open",
    "evil.localhost": "refused",
    "127.0.0.1": "refused",  # the host of the tracker, but another port
}


def test_chromium_pages_get_a_socket_if_their_origin_is_allowed(chromium: str) -> None:
    with (
        reserved_port() as port,
        running_tracker(
            "--ws-origins",
            f"http://videos.localhost:{port},http://*.videos.localhost:{port}",
        ) as tracker,
    ):
        report = run_script(
            "origin_pages.mjs",
            *(chromium, tracker.ws_url, str(port), *NAMES),
            packages=("playwright-core",),
        )
        with urlopen(f"{tracker.admin_url}/metrics") as reply:
            metrics = reply.read().decode()

    assert [*NAMES.values(), "refused"] == json.loads(report)
    assert 'tracker_closed_total{protocol="ws",reason="origin"} 3.0' in metrics
