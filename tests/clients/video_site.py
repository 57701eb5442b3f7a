"""The example website of `docs/video-site.md`, and a tracker for it, for scripts that open it."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.clients.node import HERE
from tests.shape.files import ROOT
from tests.tools import missing, require
from tests.tracker_process import TrackerProcess, running_tracker

EXAMPLE = ROOT / "examples/video-site"
BUNDLE = HERE / "node_modules/webtorrent/dist"
VENDORED = ("webtorrent.min.js", "sw.min.js")
SECONDS = 40  # of video


def copied_site(directory: Path, *encoding: str) -> Path:
    """Copy the example with WebTorrent, and add a video that ffmpeg makes.

    Args:
        directory: receives the site.
        encoding: inputs and options of ffmpeg.
    """
    if not BUNDLE.exists():
        missing("the npm package webtorrent")
    site = shutil.copytree(EXAMPLE, directory / "site")
    for name in VENDORED:
        shutil.copy(BUNDLE / name, site)
    codec = ("-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "600k")
    command = (require("ffmpeg"), "-v", "error", *encoding, *codec, "video.webm")
    subprocess.run(command, cwd=site, check=True, timeout=60)
    return site


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
