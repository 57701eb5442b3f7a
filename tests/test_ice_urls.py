"""URLs of STUN and TURN servers."""

import pytest
from pydantic import TypeAdapter, ValidationError

from tracker.ice_urls import StunUrl, TurnUrl

stun: TypeAdapter[str] = TypeAdapter(StunUrl)
turn: TypeAdapter[str] = TypeAdapter(TurnUrl)


@pytest.mark.parametrize(
    "url", ["stun:stun.example.com", "stun:192.0.2.1:3478", "stuns:[2001:db8::1]:5349"]
)
def test_urls_of_stun_servers_are_accepted(url: str) -> None:
    assert url == stun.validate_python(url)


@pytest.mark.parametrize(
    "url",
    [
        "turn:turn.example.com",
        "turn:turn.example.com:3478?transport=tcp",
        "turn:[::1]:3478?transport=udp",
        "turns:turn.example.com:443?transport=tcp",
    ],
)
def test_urls_of_turn_servers_are_accepted(url: str) -> None:
    assert url == turn.validate_python(url)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("turn:turn.example.com", "not a STUN server"),
        ("stun.example.com", "not a STUN server"),
        ("stun://stun.example.com", "not a STUN server"),
        ("stun:a b", "not a STUN server"),
        ("stun:", "not a STUN server"),
        ("stun:stun.example.com?transport=udp", "names no transport"),
        ("stun:stun.example.com:0", "port 0 does not exist"),
        ("stun:stun.example.com:65536", "port 65536 does not exist"),
        ("stun:[1::2::3]", "not an IPv6 address"),
    ],
)
def test_wrong_urls_of_stun_servers_are_refused(url: str, reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        stun.validate_python(url)


@pytest.mark.parametrize(
    "url", ["stun:turn.example.com", "turn:turn.example.com?transport=sctp", "turn:user@host"]
)
def test_wrong_urls_of_turn_servers_are_refused(url: str) -> None:
    with pytest.raises(ValidationError, match="not a TURN server"):
        turn.validate_python(url)
