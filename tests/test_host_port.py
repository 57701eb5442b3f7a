"""Addresses as people write them."""

import pytest

from tracker.host_port import split_host_port


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
