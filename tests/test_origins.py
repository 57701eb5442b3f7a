"""Origins of web pages, as settings and browsers write them."""

import pytest
from pydantic import TypeAdapter, ValidationError

from tracker.origins import Origin, normal_origin, own_origins

origin: TypeAdapter[str] = TypeAdapter(Origin)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://example.com", "https://example.com"),
        ("HTTPS://Example.COM", "https://example.com"),
        ("https://example.com:443", "https://example.com"),
        ("http://example.com:80", "http://example.com"),
        ("http://example.com:443", "http://example.com:443"),
        ("http://localhost:3000", "http://localhost:3000"),
        ("https://*.example.com", "https://*.example.com"),
        ("https://xn--bcher-kva.example", "https://xn--bcher-kva.example"),
        ("http://[2001:DB8::0:1]:8000", "http://[2001:db8::1]:8000"),
        ("chrome-extension://abcdef", "chrome-extension://abcdef"),
        ("null", "null"),
        ("*", "*"),
    ],
)
def test_an_origin_is_written_as_browsers_write_it(text: str, expected: str) -> None:
    assert expected == origin.validate_python(text)


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "example.com",
        "https://",
        "https://example.com/",
        "https://example.com/path",
        "https://user@example.com",
        "https://example.com:port",
        "https://a.*.example.com",
        "https://*",
        "https://bücher.example",
        "wss://example.com",
        "https://[::g]",
        "https://[1::2::3]",
        "https://example.com https://example.org",
        "https://" + "a" * 1000,
    ],
)
def test_what_is_not_an_origin_is_refused(wrong: str) -> None:
    with pytest.raises(ValidationError, match="not an"):
        origin.validate_python(wrong)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("Example.com", ("http://example.com", "https://example.com")),
        ("example.com:8000", ("http://example.com:8000", "https://example.com:8000")),
        ("example.com:443", ("http://example.com:443", "https://example.com")),
        ("[::1]:80", ("http://[::1]", "https://[::1]:80")),
        ("", ()),
        ("a b", ()),
        ("[::g]", ()),
    ],
)
def test_pages_of_a_host_have_one_of_two_origins(host: str, expected: tuple[str, ...]) -> None:
    assert expected == own_origins(host)


def test_a_long_header_is_not_read() -> None:
    with pytest.raises(ValueError, match="not an origin"):
        normal_origin("https://" + "a." * 5000 + "com")
