"""Announce URLs of a tracker."""

import pytest

from tracker.cli.urls import are_local, urls_of


@pytest.mark.parametrize(
    ("text", "urls"),
    [
        (
            "tracker.test:9000",
            [
                "udp://tracker.test:9000/announce",
                "http://tracker.test:9000/announce",
                "ws://tracker.test:9000/",
            ],
        ),
        (
            "tracker.test",
            [
                "udp://tracker.test:8000/announce",
                "http://tracker.test:8000/announce",
                "ws://tracker.test:8000/",
            ],
        ),
        (
            "192.0.2.1:80",
            ["udp://192.0.2.1:80/announce", "http://192.0.2.1/announce", "ws://192.0.2.1/"],
        ),
        (
            "[2001:db8::1]",
            [
                "udp://[2001:db8::1]:8000/announce",
                "http://[2001:db8::1]:8000/announce",
                "ws://[2001:db8::1]:8000/",
            ],
        ),
        ("[2001:db8::1]:443", ["https://[2001:db8::1]/announce", "wss://[2001:db8::1]/"]),
        ("tracker.test:443", ["https://tracker.test/announce", "wss://tracker.test/"]),
    ],
)
def test_a_host_and_port_make_a_url_per_protocol(text: str, urls: list[str]) -> None:
    assert urls == urls_of(text)


@pytest.mark.parametrize(
    "text",
    ["", ":80", "x:", "x:0", "x:port", "x:65536", "2001:db8::1", "2001:db8::1:80", "http://x:80"],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"HOST:PORT|brackets"):
        urls_of(text)


@pytest.mark.parametrize(
    ("urls", "local"),
    [
        (["http://localhost:1/announce", "udp://127.0.0.2:1", "ws://[::1]/"], True),
        (["http://localhost:1/announce", "udp://192.0.2.1:1"], False),
        (["udp://tracker.test:1"], False),
    ],
)
def test_urls_that_only_this_machine_can_use_are_local(urls: list[str], *, local: bool) -> None:
    assert local == are_local(urls)
