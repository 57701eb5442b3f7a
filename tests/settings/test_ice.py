"""Servers for browsers behind NAT."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from tracker.config import load
from tracker.settings import IceSettings

SECRET = "0123456789abcdef"


def test_nothing_is_configured_and_no_other_website_may_read_it_by_default() -> None:
    settings = IceSettings()
    assert ((), (), None, ()) == (
        settings.stun,
        settings.turn,
        settings.turn_secret,
        settings.origins,
    )


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"turn": ["turn:turn.example.com"]}, "ice.turn needs ice.turn_secret"),
        ({"turn_secret": "short"}, "at least 16 bytes"),
        ({"turn": ["http://turn.example.com"], "turn_secret": SECRET}, "not a TURN server"),
        ({"stun": ["turn:turn.example.com"]}, "not a STUN server"),
        ({"origins": ["example.com"]}, "not an origin"),
        ({"turn_ttl": 10}, "greater than or equal to 60"),
    ],
)
def test_values_that_make_no_sense_are_refused(values: dict[str, object], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason) as refused:
        IceSettings.model_validate(values)
    assert SECRET not in str(refused.value)


def test_a_secret_without_a_server_is_accepted() -> None:
    assert IceSettings.model_validate({"turn_secret": SECRET}).turn_secret


def test_lists_and_the_secret_come_from_the_environment_and_from_files(tmp_path: Path) -> None:
    (tmp_path / "TRACKER_ICE_TURN_SECRET").write_text(SECRET)
    environment = {
        "TRACKER_SECRETS_DIR": str(tmp_path),
        "TRACKER_ICE_TURN": "turn:turn.example.com, turn:turn.example.com?transport=tcp",
        "TRACKER_ICE_ORIGINS": "HTTPS://Example.com:443",
    }
    settings = load({}, environment).ice

    assert ("turn:turn.example.com", "turn:turn.example.com?transport=tcp") == settings.turn
    assert ("https://example.com",) == settings.origins
    assert SECRET not in repr(settings)
