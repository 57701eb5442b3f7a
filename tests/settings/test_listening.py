"""Addresses, ports and proxies fit together."""

import pytest
from pydantic import ValidationError

from tracker.settings import ListenSettings, TlsSettings


@pytest.mark.parametrize(
    ("section", "values", "reason"),
    [
        (TlsSettings, {"cert": "a"}, "go together"),
        (TlsSettings, {"key": "a"}, "go together"),
        (ListenSettings, {"drain": 1.0, "grace": 1.1}, "grace must not exceed"),
        (ListenSettings, {"trusted_hops": 2, "client_header": "X-Real-IP"}, "trusted_hops = 1"),
        (ListenSettings, {"trusted_hops": 0}, "greater than or equal to 1"),
        (
            ListenSettings,
            {"trusted_hops": 1, "trusted_proxies": ["10.0.0.0/8"]},
            "exclude each other",
        ),
        (ListenSettings, {"trusted_hops": 1, "proxy_protocol": True}, "needs trusted_proxies"),
        (ListenSettings, {"port": 65_536}, "less than or equal to 65535"),
        (ListenSettings, {"only": ["ftp"]}, "'http', 'udp' or 'ws'"),
    ],
)
def test_values_that_make_no_sense_are_refused(
    section: type, values: dict[str, object], reason: str
) -> None:
    with pytest.raises(ValidationError, match=reason):
        section(**values)


@pytest.mark.parametrize(
    ("values", "ports"),
    [
        ({}, {8000}),
        ({"port": 0}, {0}),
        ({"http_port": 80}, {80, 8000}),
        ({"http_port": 80, "ws_port": 80}, {80}),
        ({"http_port": 80, "only": ["udp", "http"]}, {80}),
        ({"only": ["udp"]}, set()),
    ],
)
def test_tcp_ports_are_those_of_http_and_websocket(
    values: dict[str, object], ports: set[int]
) -> None:
    assert ports == ListenSettings.model_validate(values).tcp_ports


@pytest.mark.parametrize(
    ("values", "port", "flag"),
    [
        ({}, 8000, "--port"),
        ({"port": 9000, "http_port": 80}, 9000, "--port"),
        ({"udp_port": 8000}, 8000, "--udp-port"),
    ],
)
def test_the_port_of_a_protocol_has_a_flag(values: dict[str, object], port: int, flag: str) -> None:
    assert (port, flag) == ListenSettings.model_validate(values).port_of("udp")


DEFAULT = "127.0.0.1:8001"


def test_the_admin_port_moves_unless_it_is_given() -> None:
    settings = ListenSettings(port=8001)
    assert (DEFAULT, True) == (settings.admin, settings.admin_moves)
    assert settings.model_copy(update={"backlog": 7}).admin_moves
    assert not ListenSettings(admin=DEFAULT).admin_moves
    with pytest.raises(ValidationError, match="admin and a protocol cannot share port 8001"):
        ListenSettings(port=8001, admin=DEFAULT)
