"""Pages as people meet them: in a real browser, light and dark, wide and narrow, by keyboard."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any
from urllib.request import urlopen

import pytest

from tests.clients.node import Script, run_script, running_chromium, running_script
from tests.frontends.clients import HASH, query
from tests.web.sample import Cluster, populated, running_cluster
from tracker.model import Event

PACKAGES = ("playwright-core",)
PATHS = ("/", "/stats", "/nothing")
LARGEST = 100_000  # bytes of a page with all that it loads

pytestmark = pytest.mark.timeout(240)


@pytest.fixture(scope="module")
def chromium() -> Iterator[str]:
    """The address of a Chromium."""
    with running_chromium() as address:
        yield address


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Two frontends over one Redis, which count all the time."""
    with running_cluster(period_s=0.2) as found:
        yield found


Visit = dict[str, Any]


@pytest.fixture(scope="module")
def visits(chromium: str) -> list[Visit]:
    """What `page_audit.mjs` finds on the pages of a cluster that has traffic and a past."""
    return asyncio.run(_visits(chromium))


async def _visits(chromium: str) -> list[Visit]:
    with running_cluster() as cluster:
        async with populated(cluster):
            report = await asyncio.to_thread(
                run_script,
                "page_audit.mjs",
                *(chromium, url(cluster, 1), *PATHS),
                packages=(*PACKAGES, "axe-core"),
                patience=120,
            )
    return [json.loads(line) for line in report.splitlines()]


def url(cluster: Cluster, frontend: int) -> str:
    """Where the pages of a frontend are."""
    return f"http://127.0.0.1:{cluster.frontends[frontend].ports['http']}"


def test_every_page_was_visited_in_every_way(visits: list[Visit]) -> None:
    assert len(PATHS) * (2 * 3 + 1) == len(visits)
    assert {200, 404} == {each["status"] for each in visits}


def test_nothing_is_an_error(visits: list[Visit]) -> None:
    for each in visits:
        expected = "status of 404" if each["path"] == "/nothing" else None
        assert [] == [error for error in each["errors"] if not expected or expected not in error]


def test_no_other_host_is_asked(visits: list[Visit]) -> None:
    hosts = {host for each in visits for host in each["hosts"]}
    assert 1 == len(hosts)


def test_no_page_scrolls_sideways(visits: list[Visit]) -> None:
    assert [] == [(e["path"], e["width"]) for e in visits if e["overflow"] > 0]


def test_axe_finds_nothing_serious(visits: list[Visit]) -> None:
    assert [] == [problem for each in visits for problem in each["violations"]]


def test_pages_are_light(visits: list[Visit]) -> None:
    heaviest = max(visits, key=lambda each: each["weight"])
    assert 5000 < heaviest["weight"] < LARGEST


def test_numbers_and_charts_are_there_without_scripts(visits: list[Visit]) -> None:
    for each in visits:
        if each["path"] != "/nothing" and not each["scripts"]:
            assert "last day" in each["text"]
            assert "430" in each["text"]  # swarms
            assert ("Copy" in each["text"]) is False


class Announcer:
    """Peers of one frontend, by plain announces."""

    def __init__(self, cluster: Cluster, frontend: int) -> None:
        self._url = url(cluster, frontend)

    def __call__(self, number: int, event: Event = Event.STARTED, left: int = 0) -> None:
        name = event.name.lower()
        target = query(info_hash=HASH, port=7000 + number, left=left, event=name)
        with urlopen(f"{self._url}/announce?{target}", timeout=10) as reply:
            assert b"interval" in reply.read()


def until(script: Script, **expected: str) -> None:
    """Read states of a page until one is as expected."""
    while expected.items() > (state := json.loads(script.line())).items():
        assert state  # the script ends, and the test with it, when it takes too long


@pytest.mark.parametrize("path", ["/", "/stats"])
def test_numbers_move_when_peers_come_and_go_on_another_frontend(
    chromium: str, cluster: Cluster, path: str
) -> None:
    other = Announcer(cluster, 1)
    names = ("seeders", "leechers")
    with running_script(
        "page_live.mjs", chromium, url(cluster, 0) + path, *names, packages=PACKAGES
    ) as page:
        until(page, seeders="0", leechers="0")
        other(1)
        until(page, seeders="1", leechers="0")
        other(2, left=5)
        until(page, seeders="1", leechers="1")
        other(1, Event.STOPPED)
        other(2, Event.STOPPED)
        until(page, seeders="0", leechers="0")


def test_the_front_page_is_used_by_keyboard_and_mouse(chromium: str, cluster: Cluster) -> None:
    front = url(cluster, 0)
    report = json.loads(run_script("page_hands.mjs", chromium, f"{front}/", packages=PACKAGES))
    authority = front.removeprefix("http://")
    assert [
        {"text": f"http://{authority}/announce", "label": "Copied"},
        {"text": f"udp://{authority}/announce", "label": "Copied"},
        {"text": f"ws://{authority}/", "label": "Copied"},
    ] == report["copied"]
    focused = report["focused"]
    assert [
        "Skip to content",
        "tracker-cluster",
        "Share a file",
        "Statistics",
        "Share a file",
        "Announce URLs",
        *["Copy"] * 3,
    ] == [each["text"] for each in focused]
    assert all(each["outline"] == "solid 3px" for each in focused)
    assert 0 == focused[0]["top"]  # the link to the content shows itself
