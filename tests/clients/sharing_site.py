"""Two frontends over one Redis, whose pages the scripts ``sharing_*.mjs`` open."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.clients.node import running_script
from tests.redis_servers import redis_servers
from tests.tools import missing, require
from tests.tracker_process import TrackerProcess, running_tracker
from tracker.web.assets import STATIC

PACKAGES = ("playwright-core",)


@dataclass(frozen=True, slots=True)
class Sites:
    """The two frontends."""

    first: TrackerProcess
    second: TrackerProcess

    @property
    def urls(self) -> tuple[str, str]:
        """The address of each, with its slash."""
        return url_of(self.first), url_of(self.second)


def url_of(tracker: TrackerProcess) -> str:
    """Return the address of the front page."""
    return f"http://127.0.0.1:{tracker.ports['http']}/"


@contextmanager
def running_sites(*args: str) -> Iterator[Sites]:
    """Run two frontends; skip the test if the libraries of their pages are not installed.

    Args:
        args: flags of both.
    """
    if not (STATIC / "vendor/webtorrent.min.js").is_file():
        missing("the WebTorrent library of the pages (`make web`)")
    with redis_servers() as start:
        redis = ("--redis", start("debian").url)
        with running_tracker(*redis, *args) as first, running_tracker(*redis, *args) as second:
            yield Sites(first, second)


def run_pages(script: str, *args: str, patience: float) -> dict[str, Any]:
    """Run a script to its end.

    Returns:
        The facts that it reports, without problems of its pages: there were none.
    """
    with running_script(
        script, require("chromium"), *args, packages=PACKAGES, patience=patience
    ) as run:
        return facts_of(run.rest())


def facts_of(output: str) -> dict[str, Any]:
    """Return what a script reports in its last line; its pages must have had no problem."""
    facts: dict[str, Any] = json.loads(output.splitlines()[-1])
    assert [] == facts.pop("problems")
    return facts
