"""Trystero: pages meet in a room, and go on meeting after their tracker was restarted."""

import json

import pytest

from tests.clients.node import running_script
from tests.clients.sample import Sample
from tests.redis_servers import redis_servers
from tests.tools import reserved_port
from tests.tracker_process import running_tracker

PACKAGES = ("playwright-core", "@trystero-p2p/torrent")
# Of two pages, the one with the smaller id makes the offer, and ignores those of the other. So a
# page that comes later may have to wait for the next announce of one that was there.
OFTEN = ("--ws-interval", "10", "--ws-ttl", "30")
# Two pages may answer the same offer; the one whose answer comes second tries again after 23 s.
PATIENCE = 100  # seconds

pytestmark = pytest.mark.timeout(PATIENCE + 20)


def assert_all_have_met(report: str) -> None:
    """Each page heard the text and the bytes of each other page, unchanged."""
    pages = json.loads(report)
    for page in pages:
        others = [other for other in pages if other != page]
        assert page["heard"] == {
            other["id"]: {"text": f"I am {other['id']}", "digest": other["digest"]}
            for other in others
        }


def test_pages_in_a_room_exchange_messages_and_bytes(chromium: str, sample: Sample) -> None:
    with (
        running_tracker(*OFTEN) as tracker,
        running_script(
            "trystero_pages.mjs",
            *(chromium, tracker.ws_url, sample.name),
            packages=PACKAGES,
            patience=PATIENCE,
        ) as pages,
    ):
        assert "met" == pages.line()
        pages.go_on()
        assert_all_have_met(pages.rest())


def test_a_page_meets_the_others_after_the_tracker_was_restarted(
    chromium: str, sample: Sample
) -> None:
    with redis_servers() as start, reserved_port() as port:
        flags = ("--port", str(port), "--redis-url", start().url, *OFTEN)
        with (
            running_tracker(*flags) as tracker,
            running_script(
                "trystero_pages.mjs",
                *(chromium, tracker.ws_url, sample.name),
                packages=PACKAGES,
                patience=PATIENCE,
            ) as pages,
        ):
            assert "met" == pages.line()
            tracker.stop()
            with running_tracker(*flags):
                pages.go_on()
                assert_all_have_met(pages.rest())
