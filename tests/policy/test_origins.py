"""Which websites may use what browsers give to their pages."""

import pytest

from tracker.policy.origins import Origins

ALLOWED = ("https://example.com", "https://*.example.org", "http://*.example.net:8080")


@pytest.mark.parametrize(
    "origin",
    [
        "https://example.com",
        "HTTPS://EXAMPLE.COM",
        "https://example.com:443",
        "https://www.example.org",
        "https://a.b.example.org",
        "http://www.example.net:8080",
        "https://tracker.example",  # as the host
        "http://tracker.example",
    ],
)
def test_pages_of_allowed_origins_and_of_the_tracker_itself_are_served(origin: str) -> None:
    assert Origins(ALLOWED).allow(origin, "tracker.example")


@pytest.mark.parametrize(
    "origin",
    [
        "http://example.com",
        "https://example.com:8443",
        "https://example.com.evil.example",
        "https://www.example.com",
        "https://example.org",
        "https://evilexample.org",
        "https://evil.example/.example.org",
        "http://www.example.net",
        "https://tracker.example:8443",
        "https://evil.tracker.example",
        "null",
        "*",
        "",
        "https://*.example.com",
        "https://bücher.example",
    ],
)
def test_pages_of_other_origins_are_not_served(origin: str) -> None:
    assert not Origins(ALLOWED).allow(origin, "tracker.example")


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "no origin at all"])
def test_a_star_allows_all_origins(origin: str) -> None:
    assert Origins(("*",)).allow(origin, "tracker.example")


def test_pages_without_an_origin_are_served_if_that_is_allowed() -> None:
    assert Origins(("null",)).allow("null", "")


@pytest.mark.parametrize("host", ["", "not a host", "evil.example"])
def test_without_allowed_origins_only_own_pages_are_served(host: str) -> None:
    assert not Origins(()).allow("https://other.example", host)
