"""The example of a video site, as `docs/video-site.md` explains it."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

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


@contextmanager
def server_of_whole_files(directory: Path) -> Iterator[int]:
    """Run the web server of `python3 -m http.server`, which ignores `Range`; yields its port."""
    handler = partial(SimpleHTTPRequestHandler, directory=str(directory))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.timeout(90)
def test_a_server_without_ranges_plays_the_video_as_any_website(chromium: str, site: Path) -> None:
    with server_of_whole_files(site) as website, reserved_port() as port:
        address(site, port)
        page = f"http://127.0.0.1:{website}/"
        video = f"{page}video.webm"
        with (
            tracker_for(website, port),
            running_script(
                "video_whole.mjs", *(chromium, page, video), packages=("playwright-core",)
            ) as script,
        ):
            report = json.loads(script.line())
            script.rest()

    assert {"source": video, "tracker": "not used", "loads": 1} == report
