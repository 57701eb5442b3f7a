"""Times and limits of the protocols fit together."""

import pytest
from pydantic import ValidationError

from tracker.settings import AnnounceSettings, UdpSettings, WsSettings


@pytest.mark.parametrize(
    ("section", "values", "reason"),
    [
        (AnnounceSettings, {"peer_ttl": 1980}, "peer_ttl must exceed"),
        (AnnounceSettings, {"min_interval": 1801}, "must not exceed"),
        (AnnounceSettings, {"external_ip": ["10.0.0.1"]}, "cannot reach 10.0.0.1"),
        (AnnounceSettings, {"external_ip": ["fd00::1"]}, "cannot reach fd00::1"),
        (AnnounceSettings, {"external_ip": ["::"]}, "cannot reach ::"),
        (AnnounceSettings, {"external_ip": ["224.0.0.1"]}, "cannot reach 224.0.0.1"),
        (AnnounceSettings, {"external_ip": ["255.255.255.255"]}, "cannot reach 255"),
        (AnnounceSettings, {"external_ip": ["::ffff:192.0.2.1"]}, "cannot reach ::ffff"),
        (AnnounceSettings, {"external_ip": ["192.0.2.1", "192.0.2.2"]}, "at most one IPv4"),
        (WsSettings, {"ttl": 120}, "ws.ttl must exceed"),
        (WsSettings, {"idle_timeout": 30}, "ws.idle_timeout must exceed"),
        (UdpSettings, {"secret": "short"}, "at least 16 bytes"),
        (UdpSettings, {"secret_period": 239}, "at least twice"),
    ],
)
def test_values_that_make_no_sense_are_refused(
    section: type, values: dict[str, object], reason: str
) -> None:
    with pytest.raises(ValidationError, match=reason):
        section(**values)


def test_there_may_be_one_external_address_of_each_family() -> None:
    settings = AnnounceSettings.model_validate({"external_ip": ["192.0.2.1", "2001:db8::1"]})
    assert ["192.0.2.1", "2001:db8::1"] == [str(ip) for ip in settings.external_ip]
