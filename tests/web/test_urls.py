"""The announce URLs that a visitor sees, by how they reached the page."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.web.conftest import Given, serving
from tracker.web.urls import AnnounceUrls, needs_key
from tracker.web.visitor import Visitor

ONE_PORT = {"http": 8000, "udp": 8000, "ws": 8000}
SEPARATE = {"http": 80, "ws": 8080, "udp": 6969}


def visitor(
    scheme: str = "http",
    host: str = "a.test",
    port: int | None = None,
    *,
    proxied: bool = False,
    local_port: int | None = 8000,
) -> Visitor:
    address = bytes((192, 0, 2, 1))
    return Visitor(scheme, host, port, address, None, frozenset(), proxied, local_port, host)


def shown(urls: AnnounceUrls, by: Visitor) -> list[str]:
    return [each.url for each in urls.of(by)]


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        (  # direct
            visitor(port=8000),
            ["http://a.test:8000/announce", "udp://a.test:8000/announce", "ws://a.test:8000/"],
        ),
        (  # a port mapping: -p 8100:8000 -p 8100:8000/udp
            visitor(port=8100),
            ["http://a.test:8100/announce", "udp://a.test:8100/announce", "ws://a.test:8100/"],
        ),
        (  # mapped to the default port
            visitor(),
            ["http://a.test/announce", "udp://a.test:80/announce", "ws://a.test/"],
        ),
        (  # our own certificate
            visitor("https", local_port=8000),
            ["https://a.test/announce", "udp://a.test:443/announce", "wss://a.test/"],
        ),
        (  # a proxy that ends TLS: it passes no UDP on
            visitor("https", proxied=True),
            ["https://a.test/announce", "udp://a.test:8000/announce", "wss://a.test/"],
        ),
        (
            visitor("https", port=8443, proxied=True),
            ["https://a.test:8443/announce", "udp://a.test:8000/announce", "wss://a.test:8443/"],
        ),
        (
            visitor(host="[2001:db8::1]", port=8000),
            [
                "http://[2001:db8::1]:8000/announce",
                "udp://[2001:db8::1]:8000/announce",
                "ws://[2001:db8::1]:8000/",
            ],
        ),
    ],
)
def test_protocols_on_one_port(by: Visitor, expected: list[str]) -> None:
    assert expected == shown(AnnounceUrls(ONE_PORT), by)


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        (
            visitor(local_port=80),
            ["http://a.test/announce", "udp://a.test:6969/announce", "ws://a.test:8080/"],
        ),
        (
            visitor(port=8080, local_port=8080),
            ["http://a.test:80/announce", "udp://a.test:6969/announce", "ws://a.test:8080/"],
        ),
        (
            visitor("https", proxied=True, local_port=80),
            ["https://a.test/announce", "udp://a.test:6969/announce", "wss://a.test/"],
        ),
    ],
)
def test_protocols_on_ports_of_their_own(by: Visitor, expected: list[str]) -> None:
    assert expected == shown(AnnounceUrls(SEPARATE), by)


def test_only_what_is_served_is_shown() -> None:
    assert ["http://a.test/announce"] == shown(AnnounceUrls({"http": 8000}), visitor())


def test_a_public_url_replaces_that_of_its_protocol() -> None:
    urls = AnnounceUrls(ONE_PORT, public=["udp://udp.test:6969", "https://t.test/announce"])
    assert [
        "https://t.test/announce",
        "udp://udp.test:6969/announce",
        "wss://a.test/",
    ] == shown(urls, visitor("https", proxied=True))


def test_a_public_url_shows_what_another_service_serves() -> None:
    urls = AnnounceUrls({"http": 80, "ws": 80}, public=["udp://u.test:6969", "udp://v.test:1/x"])
    assert [
        "http://a.test/announce",
        "udp://u.test:6969/announce",
        "udp://v.test:1/x",
        "ws://a.test/",
    ] == shown(urls, visitor(local_port=80))


def test_a_public_url_without_a_host_has_the_visitor_s() -> None:
    """As in docker-compose.yml, which knows the port of UDP and not the name of the machine."""
    urls = AnnounceUrls({"http": 80, "ws": 80}, public=["udp://:6969"])
    by = visitor("https", "b.test", 8443, proxied=True, local_port=80)
    assert "udp://b.test:6969/announce" == shown(urls, by)[1]


@pytest.mark.parametrize(
    ("public", "expected"),
    [
        ("https://t.test", "https://t.test/KEY/announce"),
        ("https://t.test/", "https://t.test/KEY/announce"),
        ("https://t.test/a", "https://t.test/a"),
        ("wss://t.test", "wss://t.test/"),
        ("udp://t.test:1/", "udp://t.test:1/announce"),
    ],
)
def test_a_public_url_without_a_path_gets_the_usual_one(public: str, expected: str) -> None:
    assert [expected] == shown(AnnounceUrls({}, "/KEY/announce", [public]), visitor())


def test_a_path_with_a_place_for_a_key_is_noticed() -> None:
    with_key, without = AnnounceUrls(ONE_PORT, "/KEY/announce"), AnnounceUrls(ONE_PORT, "/KEYS")
    assert needs_key(with_key.of(visitor()))
    assert not needs_key(without.of(visitor()))


@given(st.sampled_from(["http", "https"]), st.none() | st.integers(1, 65_535), st.booleans())
def test_http_and_websocket_share_the_visitor_s_scheme_and_port(
    scheme: str, port: int | None, proxied: bool
) -> None:
    by = visitor(scheme, port=port, proxied=proxied)
    http, _, ws = shown(AnnounceUrls(ONE_PORT), by)
    assert f"{by.origin_url}/announce" == http
    assert f"{by.origin_url.replace('http', 'ws', 1)}/" == ws


async def test_a_page_shows_the_urls_of_its_own_visitor() -> None:
    async with serving(Given()) as site:
        page = await site.ask("/", "Host: b.test:8100")
    for url in ("http://b.test:8100/announce", "udp://b.test:8100/announce", "ws://b.test:8100/"):
        assert f">{url}</code>".encode() in page.body


async def test_a_hostile_host_is_not_shown() -> None:
    async with serving(Given()) as site:
        page = await site.ask("/", 'Host: "><script>alert(1)</script>')
    assert b"alert" not in page.body
    assert b"http://HOST/announce" in page.body
