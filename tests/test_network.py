"""Networks as settings have them."""

from ipaddress import ip_network

import pytest

from tracker.config import ConfigError, load


def test_networks_and_single_addresses_are_read() -> None:
    settings = load({"listen.trusted_proxies": "10.0.0.0/8, 127.0.0.1, 2001:db8::/32"}, {})
    expected = ("10.0.0.0/8", "127.0.0.1/32", "2001:db8::/32")
    assert tuple(map(ip_network, expected)) == settings.listen.trusted_proxies


@pytest.mark.parametrize(
    ("text", "meant"), [("10.0.0.1/8", "10.0.0.0/8"), ("2001:db8::1/32", "2001:db8::/32")]
)
def test_host_bits_are_refused_with_the_network_that_is_meant(text: str, meant: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load({"listen.trusted_proxies": text}, {})
    (problem,) = caught.value.problems
    assert problem.endswith(f"(from --trusted-proxies): host bits are set: {meant}?")


def test_text_that_is_no_network_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"must be IP networks, such as 10\.0\.0\.0/8"):
        load({"listen.trusted_proxies": "example.org"}, {})
