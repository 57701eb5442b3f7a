import pytest

from tracker.public_url import at_host, checked_url, kind_of


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("http://tracker.example/announce", "http"),
        ("https://tracker.example:8443", "http"),
        ("udp://tracker.example:6969", "udp"),
        ("udp://[2001:db8::1]:6969/announce", "udp"),
        ("ws://tracker.example/", "ws"),
        ("wss://tracker.example", "ws"),
        ("udp://:6969", "udp"),
        ("https://:8443/announce", "http"),
    ],
)
def test_an_announce_url_has_the_kind_of_its_scheme(url: str, kind: str) -> None:
    assert url == checked_url(url)
    assert kind == kind_of(url)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("tracker.example", "not an http, https, udp, ws or wss URL"),
        ("ftp://tracker.example", "not an http, https, udp, ws or wss URL"),
        ("udp://:65536", "not a port"),
        ("udp://:0x", "not an http, https, udp, ws or wss URL"),
        ("http://", "not an http, https, udp, ws or wss URL"),
        ("http://a b", "not a URL"),
        ("http://tracker.example/\n", "not a URL"),
        ("", "not a URL"),
        ("udp://tracker.example", "a udp URL needs a port"),
        ("http://tracker.example:x/", "not a port"),
        ("http://tracker.example:65536/", "not a port"),
        ("http://u:p@tracker.example/", "has no user, query or fragment"),
        ("http://tracker.example/?a", "has no user, query or fragment"),
        ("http://tracker.example/#a", "has no user, query or fragment"),
        ("http://[::1", "not a URL"),
    ],
)
def test_other_texts_are_refused_with_the_reason(url: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        checked_url(url)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("udp://:6969", "udp://[2001:db8::1]:6969"),
        ("udp://:6969/a://:1", "udp://[2001:db8::1]:6969/a://:1"),
        ("udp://tracker.example:6969", "udp://tracker.example:6969"),
    ],
)
def test_a_url_without_a_host_gets_the_visitor_s(url: str, expected: str) -> None:
    assert expected == at_host(url, "[2001:db8::1]")
