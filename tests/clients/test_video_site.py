"""The example of a video site, as `docs/video-site.md` explains it."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.clients.node import HERE, running_script
from tests.shape.files import ROOT
from tests.tools import missing, require, reserved_port
from tests.tracker_process import TrackerProcess, running_tracker

EXAMPLE = ROOT / "examples/video-site"
BUNDLE = HERE / "node_modules/webtorrent/dist"
VENDORED = ("webtorrent.min.js", "sw.min.js")
SECONDS = 40  # of video


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """The example with a video of its own, as its page says for a tracker at tracker.example."""
    if not BUNDLE.exists():
        missing("the npm package webtorrent")
    directory = shutil.copytree(EXAMPLE, tmp_path / "site")
    for name in VENDORED:
        shutil.copy(BUNDLE / name, directory)
    noise = f"testsrc2=size=192x108:rate=10:duration={SECONDS},noise=alls=40:allf=t"
    codec = ("-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "600k")
    subprocess.run(
        [require("ffmpeg"), "-v", "error", "-f", "lavfi", "-i", noise, *codec, "video.webm"],
        cwd=directory,
        check=True,
        timeout=30,
    )
    return directory


def address(site: Path, port: int) -> None:
    """Give the site the tracker at a port of this machine."""
    page = site / "index.html"
    text = page.read_text().replace("https://tracker.example", f"http://127.0.0.1:{port}")
    page.write_text(text.replace("wss://tracker.example", f"ws://127.0.0.1:{port}"))
    announce = f"ws://127.0.0.1:{port}/announce"
    command = (sys.executable, "-m", "tracker", "torrent", "video.webm", "--announce", announce)
    environment = {"PYTHONPATH": str(ROOT)}
    subprocess.run(command, cwd=site, env=environment, check=True, capture_output=True, timeout=20)


@contextmanager
def tracker_for(website: int, port: int) -> Iterator[TrackerProcess]:
    """A tracker for the pages of that website only."""
    origin = f"http://127.0.0.1:{website}"
    flags = ("--port", str(port), "--ws-origins", origin, "--ice-origins", origin)
    with running_tracker(*flags) as tracker:
        yield tracker


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
