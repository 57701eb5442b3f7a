"""Takes the pictures of the documentation, and others to look at, of a cluster in use.

python -m tests.web.screenshots docs/images            # those of the documentation
python -m tests.web.screenshots --all /tmp/pictures    # each page at three widths, light and dark
"""

import argparse
import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.clients.node import running_chromium, running_script
from tests.clients.picture import picture
from tests.clients.sharing_site import run_pages
from tests.web.sample import Cluster, populated, running_cluster
from tests.web.terminal_pictures import take_status, take_torrent
from tests.web.video_picture import take_video

SETTLE_S = 20.0  # until rates are steady
HEIGHTS = {"front": 860, "stats": 1130}  # of the pictures of the documentation
PATHS = {"front": "/", "stats": "/stats", "error": "/nothing"}


def pictures(url: str, *, everything: bool) -> Iterator[dict[str, Any]]:
    """What `screenshots.mjs` shall take."""
    if not everything:
        for scheme in ("light", "dark"):
            for name in ("front", "stats"):
                yield {
                    "name": f"{name}-{scheme}.png",
                    "url": url + PATHS[name],
                    "width": 1180,
                    "height": HEIGHTS[name],
                    "colorScheme": scheme,
                    "scale": 1,
                }
        return
    for scheme in ("light", "dark"):
        for width in (360, 768, 1280):
            for name, path in PATHS.items():
                yield {
                    "name": f"{name}-{width}-{scheme}.png",
                    "url": url + path,
                    "width": width,
                    "height": None,
                    "colorScheme": scheme,
                    "scale": 1,
                }


async def take(folder: Path, *, everything: bool) -> None:
    """Take all pictures of a new cluster."""
    with running_cluster() as cluster:
        async with populated(cluster, SETTLE_S):
            await asyncio.to_thread(_take_pages, cluster, folder, everything)
            if not everything:
                await asyncio.to_thread(take_status, cluster.redis_url, folder / "status.svg")
                await asyncio.to_thread(_take_sharing, cluster, folder)
                udp_port = cluster.frontends[0].ports["udp"]
                await asyncio.to_thread(take_torrent, udp_port, folder / "torrent.svg")
    if not everything:
        await asyncio.to_thread(take_video, folder / "video-site.png")


def _take_pages(cluster: Cluster, folder: Path, everything: bool) -> None:
    url = f"http://127.0.0.1:{cluster.frontends[1].ports['http']}"
    packages = ("playwright-core",)
    with (
        running_chromium() as chromium,
        running_script(
            "screenshots.mjs", chromium, str(folder), packages=packages, patience=120
        ) as script,
    ):
        for picture in pictures(url, everything=everything):
            script.write(json.dumps(picture))
            script.line()  # it is done
        script.rest()


def _take_sharing(cluster: Cluster, folder: Path) -> None:
    with TemporaryDirectory() as place:
        file = Path(place, "Evening at the lake.png")
        file.write_bytes(picture())
        port = str(cluster.frontends[1].ports["http"])
        run_pages("sharing_pictures.mjs", port, str(folder), str(file), patience=120)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--all", action="store_true")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    asyncio.run(take(given.folder, everything=given.all))
