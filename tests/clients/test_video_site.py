"""The example of a video site, as `docs/video-site.md` explains it."""

import json
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.clients.node import running_script
from tests.clients.video_site import SECONDS, address, copied_site, tracker_for
from tests.tools import reserved_port


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """The example with a video of its own, as its page says for a tracker at tracker.example."""
    noise = f"testsrc2=size=192x108:rate=10:duration={SECONDS},noise=alls=40:allf=t"
    return copied_site(tmp_path, "-f", "lavfi", "-i", noise)


@pytest.mark.timeout(180)
def test_viewers_share_a_video_and_play_on_while_the_tracker_is_away(
    chromium: str, site: Path
) -> None:
    with reserved_port() as website, reserved_port() as port:
        address(site, port)
        with ExitStack() as stack:
            with tracker_for(website, port):
                script = stack.enter_context(
                    running_script(
                        "video_pages.mjs",
                        *(chromium, str(site), str(website)),
                        packages=("playwright-core", "webtorrent"),
                        patience=150,
                    )
                )
                alone = json.loads(script.line())
                script.go_on()
                with_another = json.loads(script.line())
            script.go_on()
            without_tracker = json.loads(script.line())
            with tracker_for(website, port):
                script.go_on()
                with_tracker = json.loads(script.line())
                script.go_on()
                script.rest()

    assert (0, 0) == (alone["viewers"], alone["fromViewers"])
    assert 0 < alone["fromServer"]
    assert 0 < with_another["viewers"]
    assert 0 < with_another["fromViewers"]
    assert without_tracker["lost"]["at"] < without_tracker["still"]["at"]
    assert 0 == with_tracker["arrived"]["fromServer"]
    assert [] == with_tracker["problems"]
