"""Times and limits of the protocols fit together."""

import pytest
from pydantic import ValidationError

from tracker.settings import AnnounceSettings, UdpSettings, WsSettings


@pytest.mark.parametrize(
    ("section", "values", "reason"),
    [
        (AnnounceSettings, {"peer_ttl": 1980}, "peer_ttl must exceed"),
        (AnnounceSettings, {"min_interval": 1801}, "must not exceed"),
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
