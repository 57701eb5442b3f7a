"""The settings hold the promises that others rely on."""

import pytest
from pydantic import ValidationError

from tracker.config import ENTRIES, Entry, section_type
from tracker.settings import (
    LogSettings,
    Settings,
)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_every_setting_has_a_meaning_and_a_default(entry: Entry) -> None:
    assert entry.info.description
    assert not entry.info.is_required()


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_section_says_what_it_is_about_in_one_line(name: str) -> None:
    doc = section_type(name).__doc__
    assert doc
    assert "\n" not in doc


def test_defaults_are_those_of_the_design() -> None:
    settings = Settings()
    assert ("", 8000, "127.0.0.1:8001") == (
        settings.listen.host,
        settings.listen.port,
        settings.listen.admin,
    )
    assert (1800, 0.1, 300, 2700) == (
        settings.announce.interval,
        settings.announce.interval_jitter,
        settings.announce.min_interval,
        settings.announce.peer_ttl,
    )
    assert (50, 200) == (settings.announce.numwant, settings.announce.max_numwant)
    assert (120, 300, 30.0, 10, 65_536) == (
        settings.ws.interval,
        settings.ws.ttl,
        settings.ws.ping_interval,
        settings.ws.max_offers,
        settings.ws.max_message,
    )
    assert (1232, 74, 120) == (
        settings.udp.max_reply,
        settings.udp.max_scrape,
        settings.udp.connection_lifetime,
    )
    assert (100, 100) == (settings.http.max_scrape, settings.ws.max_scrape)


@pytest.mark.parametrize(
    ("section", "values", "reason"),
    [
        (LogSettings, {"level": "loud"}, "'debug', 'info', 'warning' or 'error'"),
        (LogSettings, {"colour": True}, "Extra inputs are not permitted"),
    ],
)
def test_values_that_make_no_sense_are_refused(
    section: type, values: dict[str, object], reason: str
) -> None:
    with pytest.raises(ValidationError, match=reason):
        section(**values)


def test_settings_cannot_be_changed_after_birth() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Settings().listen.port = 1  # type: ignore[misc]
