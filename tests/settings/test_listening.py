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
