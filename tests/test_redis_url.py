"""The form of a Redis URL: what is refused, and that no text shows a part of the URL."""

import pytest

from tracker.config import ConfigError, load
from tracker.redis_url import BAD_DATABASE, BAD_URL, check_redis_url, without_secrets


@pytest.mark.parametrize(
    "url",
    [
        "redis://",
        "redis://store",
        "redis://store:6379/",
        "redis://:p%40%3A%2F%3F%23%25@store:6379/3",
        "redis://user:with:colons@[2001:db8::1]:7000",
        "rediss://store?ssl_ca_certs=/etc/ca.pem",
        "unix:///run/redis.sock",
        "unix://user:secret@/run/redis.sock?db=3",
        "redis+sentinel://user:secret@[::1],[::2]:7000/service/3?sentinel_password=x",
        "rediss+cluster://one,two:7000/",
    ],
)
def test_valid_urls_pass(url: str) -> None:
    check_redis_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "redis://:abc#topsecret@127.0.0.1:7777/0",
        "redis://:abc@topsecret#x@store",
        "redis://:abc@topsecret@store",
        "redis://:abc/topsecret@store",
        "redis://:12/topsecret@store",
        "redis://user:12?topsecret@store",
        "redis://user:topsecret",
        "redis://store:65536",
        "redis+sentinel://:abc#topsecret@one,two/service",
        "redis+cluster://:abc@topsecret@one,two",
        "redis+cluster://one:topsecret,two",
    ],
)
def test_an_unencoded_password_is_refused_and_not_shown(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load({"redis.url": url}, {})
    assert (f"redis.url (from --redis-url): {BAD_URL}",) == caught.value.problems


@pytest.mark.parametrize("url", ["redis://store/abc", "redis://store:6379/1/2", "rediss://x/-1"])
def test_a_database_that_is_not_a_number_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=BAD_DATABASE):
        check_redis_url(url)


@pytest.mark.parametrize("url", ["unix://run/redis.sock", "unix://", "unix://:secret@"])
def test_a_socket_needs_an_absolute_path(url: str) -> None:
    with pytest.raises(ValueError, match="three slashes"):
        check_redis_url(url)


def test_another_scheme_is_refused() -> None:
    with pytest.raises(ValueError, match="begins with one of redis://"):
        check_redis_url("http://store")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://store", "redis://store"),
        ("rediss://:p%40@store:6379/3?ssl_ca_certs=/x", "rediss://store:6379/3"),
        ("unix://user:secret@/run/redis.sock?db=3", "unix:///run/redis.sock"),
        ("redis+sentinel://user:secret@[::1],[::2]:7/x", "redis+sentinel://[::1],[::2]:7/x"),
    ],
)
def test_a_url_without_secrets(url: str, shown: str) -> None:
    assert shown == without_secrets(url)
