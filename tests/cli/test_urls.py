"""Announce URLs of a tracker."""

import os
import re

import pytest

from tests.tracker_process import running_tracker
from tracker.cli.urls import NoTracker, are_local, local_urls, urls_of


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
    ["", ":80", "x:", "x:0", "x:port", "x:65536", "2001:db8::1", "2001:db8::1:80", "x:80/announce"],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"HOST:PORT|brackets"):
        urls_of(text)


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("http://localhost:8000", "localhost:8000"),
        ("wss://user:secret@tracker.test/", "tracker.test:443"),
        ("udp://tracker.test/announce", "tracker.test"),
        ("http://[::1]/announce", "[::1]:80"),
    ],
)
def test_a_url_is_refused_with_its_host_and_port(url: str, place: str) -> None:
    expected = f": write {place}, or pass whole announce URLs with --announce"
    with pytest.raises(ValueError, match=f"not HOST:PORT: .*{re.escape(expected)}$"):
        urls_of(url)


@pytest.mark.parametrize("url", ["http://", "http://[::1", "http://x:port"])
def test_a_url_without_a_host_and_port_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=rf"not HOST:PORT: '{re.escape(url)}'$"):
        urls_of(url)


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


@pytest.mark.usefixtures("runtime_directory")
def test_the_tracker_on_this_machine_is_found_unless_there_are_several() -> None:
    with pytest.raises(NoTracker, match="no tracker of this user runs on this machine"):
        local_urls(os.environ)
    with running_tracker() as one:
        port = one.ports["http"]
        assert [
            f"udp://localhost:{port}/announce",
            f"http://localhost:{port}/announce",
            f"ws://localhost:{port}/",
        ] == local_urls(os.environ)
        with (
            running_tracker() as other,
            pytest.raises(NoTracker, match="2 trackers run on this machine") as found,
        ):
            local_urls(os.environ)
    assert str(found.value).endswith(
        f", at localhost:{port} and localhost:{other.ports['http']}"
    ), found.value
