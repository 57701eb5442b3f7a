"""Addresses as people write them."""

import pytest

from tracker.host_port import shared_port, split_host_port


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("127.0.0.1:8001", ("127.0.0.1", 8001)),
        ("localhost:0", ("localhost", 0)),
        ("[::1]:65535", ("::1", 65535)),
        (":8001", ("", 8001)),
    ],
)
def test_host_and_port_are_parted(text: str, expected: tuple[str, int]) -> None:
    assert expected == split_host_port(text)


@pytest.mark.parametrize("text", ["", "8001", "a:", "a:b", "a:65536", "a:-1", "::1:80", "a:٣"])
def test_what_is_not_host_and_port_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"HOST:PORT|brackets"):
        split_host_port(text)


@pytest.mark.parametrize(
    ("host", "port"),
    [("", 9000), ("0.0.0.0", 9000), ("::", 9000), ("127.0.0.1", 9000), ("192.0.2.1", None)],
)
def test_a_port_is_shared_where_the_addresses_meet(host: str, port: int | None) -> None:
    assert port == shared_port("127.0.0.1:9000", host, {8000, 9000})


def test_a_port_of_all_addresses_is_shared_with_any() -> None:
    assert 9000 == shared_port("[::]:9000", "192.0.2.1", {9000})


def test_any_free_port_is_never_shared() -> None:
    assert shared_port("127.0.0.1:0", "", {0}) is None
    assert shared_port("127.0.0.1:9001", "", {0, 9000}) is None
