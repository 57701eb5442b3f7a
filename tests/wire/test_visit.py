"""The URL that a visitor used, from the request and from what trusted proxies report."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.wire.http_head import decode_head
from tracker.wire.visit import Visit, visit_of

CLIENT = bytes((192, 0, 2, 1))


def visit(*lines: str, secure: bool = False, proxied: bool = True, target: str = "/") -> Visit:
    head = decode_head("\r\n".join([f"GET {target} HTTP/1.1", *lines, "", ""]).encode("latin-1"))
    return visit_of(head, secure=secure, client=CLIENT, proxied=proxied, local_port=8000)


def url(*lines: str, secure: bool = False, proxied: bool = True, target: str = "/") -> str:
    """What the visitor used, written as a URL."""
    found = visit(*lines, secure=secure, proxied=proxied, target=target)
    scheme = "https" if found.secure else "http"
    return f"{scheme}://{found.host}" + ("" if found.port is None else f":{found.port}")


@pytest.mark.parametrize(
    ("host", "secure", "expected"),
    [
        ("a.test", False, "http://a.test"),
        ("a.test", True, "https://a.test"),
        ("A.Test:8100", False, "http://a.test:8100"),
        ("a.test:80", False, "http://a.test"),
        ("a.test:443", True, "https://a.test"),
        ("a.test:80", True, "https://a.test:80"),
        ("[2001:DB8::1]:8000", False, "http://[2001:db8::1]:8000"),
        ("192.0.2.7", False, "http://192.0.2.7"),
    ],
)
def test_without_a_proxy_the_host_header_and_the_socket_decide(
    host: str, secure: bool, expected: str
) -> None:
    assert expected == url(f"Host: {host}", secure=secure, proxied=False)


@pytest.mark.parametrize(
    "host",
    [
        *("", "a b", "a:b", "a:0", "a:65536", "<script>", "a/b", "[::1", "a@b", "x" * 254, "é"),
        *("[...]", "[::::]", "[192.0.2.1]", "[1:2:3:4:5:6:7:8:9]"),
    ],
)
def test_a_host_that_is_none_is_not_known(host: str) -> None:
    assert "http://" == url(f"Host: {host}", proxied=False)


def test_the_first_host_counts_and_an_absolute_target_before_it() -> None:
    assert "http://a.test" == url("Host: a.test", "Host: b.test")
    assert "http://c.test:1" == url("Host: a.test", target="http://c.test:1/x")
    assert "http://" == url()


def test_a_proxy_does_not_change_what_the_request_itself_names() -> None:
    assert "a.test:8000" == visit("Host: A.test:8000", *HEADERS).requested
    assert "a.test" == visit("Host: a.test", "Forwarded: host=b.test").requested
    assert not visit(*HEADERS).requested


HEADERS = (
    "X-Forwarded-Proto: https",
    "X-Forwarded-Host: b.test:1",
    "X-Forwarded-Port: 2",
    "Forwarded: proto=https;host=b.test",
)


def test_headers_of_a_client_without_a_trusted_proxy_are_ignored() -> None:
    assert "http://a.test" == url("Host: a.test", *HEADERS, proxied=False)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (("X-Forwarded-Proto: https",), "https://a.test"),
        (("X-Forwarded-Proto: HTTPS",), "https://a.test"),
        (("X-Forwarded-Proto: wss",), "https://a.test"),
        (("X-Forwarded-Proto: gopher",), "http://a.test"),
        (("X-Forwarded-Proto: https, http",), "https://a.test"),
        (("X-Forwarded-Host: b.test",), "http://b.test"),
        (("X-Forwarded-Host: b.test:8443", "X-Forwarded-Proto: https"), "https://b.test:8443"),
        (("X-Forwarded-Host: b.test, c.test",), "http://b.test"),
        (("X-Forwarded-Host: <b>",), "http://a.test"),
        (("X-Forwarded-Port: 8443", "X-Forwarded-Proto: https"), "https://a.test:8443"),
        (("X-Forwarded-Port: 443", "X-Forwarded-Proto: https"), "https://a.test"),
        # A proxy behind the one that ends TLS reports its own port.
        (("X-Forwarded-Port: 80", "X-Forwarded-Proto: https"), "https://a.test"),
        (("X-Forwarded-Port: 443",), "http://a.test"),
        (("X-Forwarded-Host: b.test:81", "X-Forwarded-Port: 82"), "http://b.test:81"),
        (("X-Forwarded-Port: x",), "http://a.test"),
        (("X-Forwarded-Port: 99999999999999",), "http://a.test"),
        (("Forwarded: for=192.0.2.9;proto=https;host=b.test",), "https://b.test"),
        (('Forwarded: Host="b.test:8443" ; PROTO=https',), "https://b.test:8443"),
        (("Forwarded: proto=https, proto=http;host=c.test",), "https://a.test"),
        (("Forwarded: host=b.test", "X-Forwarded-Host: c.test"), "http://c.test"),
        (("Forwarded: garbage;;=",), "http://a.test"),
    ],
)
def test_a_trusted_proxy_reports_the_visitor_s_url(lines: tuple[str, ...], expected: str) -> None:
    assert expected == url("Host: a.test", *lines)


def test_the_client_and_the_port_are_kept() -> None:
    found = visit("Host: a.test")
    assert (CLIENT, True, 8000) == (found.client, found.proxied, found.local_port)


ODD = st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"))
SAFE = set("abcdefghijklmnopqrstuvwxyz0123456789.-_:[]")


@given(st.tuples(ODD, ODD, ODD, ODD, ODD))
def test_nothing_but_a_name_and_a_port_gets_through(values: tuple[str, ...]) -> None:
    names = "Host", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Port", "Forwarded"
    found = visit(*(f"{name}: {value}" for name, value in zip(names, values, strict=True)))
    assert set(found.host) <= SAFE
    assert found.port is None or 0 < found.port <= 65_535
