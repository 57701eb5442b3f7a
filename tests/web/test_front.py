"""The front page and the statistics, for people."""

import json
import re
from html.parser import HTMLParser

import pytest

from tests.web.conftest import FACTS, STATISTICS, SWARM, Given, Site, serving
from tracker import __version__
from tracker.web.front import MOST_ROWS
from tracker.web.statistics import NOTHING, FrontendRow, numbers
from tracker.web.urls import AnnounceUrls

VOID = {"meta", "link", "br", "img", "input", "path", "circle", "hr"}


class Document(HTMLParser):
    """A page: its text, what its tags nest like, and the attributes of each."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text = ""
        self.open: list[str] = []
        self.ids: list[str] = []
        self.live: dict[str, str] = {}
        self._live: str | None = None
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if tag not in VOID:
            self.open.append(tag)
        if identity := attributes.get("id"):
            self.ids.append(identity)
        self._live = attributes.get("data-live")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in VOID

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data
        if self._live:
            self.live[self._live] = data
            self._live = None


async def document(site: Site, path: str) -> Document:
    return Document((await site.ask(path)).body.decode())


@pytest.mark.parametrize("path", ["/", "/stats"])
async def test_tags_nest_and_ids_are_unique(site: Site, path: str) -> None:
    page = await document(site, path)
    assert len(page.ids) == len(set(page.ids))


async def test_the_front_page_has_name_numbers_urls_and_the_way_to_share(site: Site) -> None:
    page = await site.ask("/")
    shown = Document(page.body.decode())
    assert f"tracker-cluster {__version__}" in shown.text
    expected = {
        "all_swarms": "1,023",
        "seeders": "1,045",
        "leechers": "48",
        "browsers": "35",
        "frontends": "2",
        "announces": "41.5",
        "announces_http": "20.0",
        "announces_udp": "21.0",
        "announces_ws": "0.5",
    }
    assert expected.items() <= shown.live.items()
    assert b'<a class="button primary large" href="/share">Share a file</a>' in page.body
    assert 3 == page.body.count(b'class="copy"')


async def test_the_statistics_have_all_numbers(site: Site) -> None:
    shown = (await document(site, "/stats")).live
    known = numbers(STATISTICS)
    assert known.keys() - shown.keys() <= {"browsers", "sockets", "frontends"}
    assert all(known[name] == text for name, text in shown.items())


async def test_charts_describe_themselves(site: Site) -> None:
    page = (await site.ask("/")).body.decode()
    assert 4 == page.count("<svg viewBox") == page.count("<desc")
    assert "Clients: now 5,006, lowest 5,006, highest 5,006." in page
    assert "UDP: now 80.5, lowest 80.5, highest 80.5." in page


@pytest.mark.parametrize("path", ["/", "/stats"])
async def test_no_machine_no_info_hash_and_no_frontend_is_named(site: Site, path: str) -> None:
    reply = await site.ask(path)
    for secret in (
        SWARM.info_hash,
        SWARM.info_hash.hex().encode(),
        b"frontID1",
        b"secret",
        b"4711",
    ):
        assert secret not in reply.body


async def test_the_table_of_frontends_has_no_names(site: Site) -> None:
    rows = re.findall(r"<tr>(.*?)</tr>", (await site.ask("/stats")).body.decode(), re.DOTALL)
    cells = [re.findall(r"<t[dh][^>]*>([^<]*)</t[dh]>", row) for row in rows]
    assert ["1", "1.2.3", "2 h", "20.0", "21.0", "–", "1,234", "56", "1.5 ms"] in cells
    assert ["2", "1.2.4", "2 h", "–", "–", "0.5", "1,234", "56", "–"] in cells


async def test_a_large_cluster_has_a_table_of_bounded_length(given: Given, site: Site) -> None:
    rows = [FrontendRow(FACTS, {"http": 1.0})] * (MOST_ROWS + 7)
    given.statistics = STATISTICS._replace(frontends=rows)
    page = (await site.ask("/stats")).body.decode()
    assert MOST_ROWS == page.count('<th scope="row">') - 8
    assert "and 7 more" in page


@pytest.mark.parametrize("path", ["/", "/stats"])
async def test_what_is_not_known_is_said(given: Given, site: Site, path: str) -> None:
    given.statistics = NOTHING
    page = await document(site, path)
    assert "The numbers are not known at the moment" in page.text
    assert {} == page.live


async def test_hostile_facts_are_escaped(given: Given, site: Site) -> None:
    hostile = FACTS._replace(version='<img src="x">')
    given.statistics = STATISTICS._replace(frontends=[FrontendRow(hostile, {})])
    page = (await site.ask("/stats")).body
    assert b"<img" not in page
    assert b"&lt;img" in page


async def test_a_key_in_the_path_is_explained(given: Given) -> None:
    urls = AnnounceUrls({"http": 8000}, "/KEY/announce")
    async with serving(given, urls=urls) as site:
        page = await site.ask("/")
    assert b"/KEY/announce</code>" in page.body
    assert b"your passkey" in page.body


async def test_many_visitors_share_one_look(given: Given, site: Site) -> None:
    for _ in range(5):
        await site.ask("/")
    assert 1 == given.looks


async def test_events_have_what_the_pages_show(given: Given, site: Site) -> None:
    pages = [(await site.ask(path)).body.decode() for path in ("/", "/stats")]
    parts = await site.front.events()
    assert numbers(STATISTICS) == json.loads(parts.pop("numbers"))
    assert {"frontends", "peers-hour", "peers-day", "announces-hour", "announces-day"} == set(parts)
    for name, data in parts.items():
        html = json.loads(data)
        assert "\n" not in data
        assert any(html in page for page in pages), name
        assert any(f'id="{name}" data-part' in page for page in pages)


async def test_without_numbers_there_are_no_events(given: Given, site: Site) -> None:
    given.statistics = NOTHING
    assert {} == await site.front.events()
