"""Requests of no sense over HTTP, and connections that end in the midst of them."""

from random import Random

from tests.fuzz.good import announces_over_http
from tests.fuzz.http import requests
from tests.fuzz.storm import bounded, survives, target
from tests.fuzz.tcp import connection

REACHED = {
    ("tracker_requests_total", "announce", "ok", "http"),
    ("tracker_requests_total", "announce", "malformed", "http"),
    ("tracker_requests_total", "scrape", "ok", "http"),
    ("tracker_requests_total", "other", "405", "http"),
    ("tracker_requests_total", "other", "413", "http"),
    ("tracker_closed_total", "http", "head"),
    ("tracker_closed_total", "http", "malformed"),
    ("tracker_closed_total", "http", "slow"),
}


@bounded
async def test_a_tracker_outlives_a_storm_of_requests() -> None:
    with target("--only", "http,ws") as tracker:
        port = tracker.ports["http"]
        metrics = await survives(
            tracker, lambda rng: attack(port, rng), lambda: announces_over_http(port)
        )
    assert REACHED <= metrics.keys()


async def attack(port: int, rng: Random) -> None:
    """Send something, and go in some way."""
    async with connection(port, rng) as peer:
        await peer.send(requests(rng))
        received = await peer.leave()
    assert received[:7] in (b"", b"HTTP/1.")
