"""Events as a person reads them."""

import io
import re
from string import Formatter

import pytest

from tests.shape.files import ROOT, modules
from tracker.log_terminal import SENTENCES, TerminalRenderer, sentence
from tracker.terminal import Terminal

PLAIN = TerminalRenderer(Terminal(io.StringIO(), {}))  # 80 columns
COLOURED = TerminalRenderer(Terminal(io.StringIO(), {"TERM": "xterm"}))


def rendered(renderer: TerminalRenderer, level: str, name: str, **facts: object) -> str:
    return renderer(None, "", {"time": "21:00:07", "level": level, "event": name, **facts})


AWAY = {"address": "127.0.0.1:6379", "error": "connection refused", "hint": "check that it runs"}


def test_an_event_is_a_time_and_a_sentence() -> None:
    assert "\r21:00:07  Stopped." == rendered(PLAIN, "info", "tracker.stopped")


def test_a_long_one_is_wrapped_with_its_level_and_hint() -> None:
    expected = (
        "\r21:00:07  warning: Redis at 127.0.0.1:6379 cannot be used: connection refused,\n"
        "          for 60 s. Check that it runs."
    )
    assert expected == rendered(PLAIN, "warning", "redis.away", **AWAY, for_s=60)


def test_the_end_of_an_outage_has_its_length() -> None:
    event = {"event": "redis.up", "address": "127.0.0.1:6379", "after_s": 87}
    assert "Redis at 127.0.0.1:6379 can be used, after 87 s." == sentence(event)


def test_warnings_are_yellow_and_errors_red() -> None:
    assert "\r21:00:07  Stopped." == rendered(COLOURED, "info", "tracker.stopped")
    assert "\x1b[33mwarning: " in rendered(COLOURED, "warning", "redis.away", **AWAY)
    error = rendered(COLOURED, "error", "tracker.failed", error="no port")
    assert "\r21:00:07  \x1b[31merror: The tracker cannot run: no port.\x1b[0m" == error


def test_an_event_without_a_sentence_keeps_its_fields() -> None:
    assert "\r21:00:07  a.b one=1 two=x y" == rendered(PLAIN, "info", "a.b", one=1, two="x y")


def test_no_value_controls_the_terminal() -> None:
    evil = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202e\r\n"
    for name in ("redis.away", evil):
        text = rendered(PLAIN, "warning", name, address=evil, error=evil, hint=evil)
        assert text.removeprefix("\r").replace("\n", "").isprintable()


def test_a_traceback_keeps_its_lines() -> None:
    text = rendered(PLAIN, "error", "task.failed", task="x", exception="Traceback:\n  line\x1b[2J")
    assert text.endswith("Traceback:\n            line\\x1b[2J")


def test_a_missing_field_is_no_defect() -> None:
    assert "The tracker cannot run: ?." == sentence({"event": "tracker.failed"})


@pytest.mark.parametrize("name", SENTENCES)
def test_each_sentence_is_about_an_event_that_exists(name: str) -> None:
    source = "".join((ROOT / module).read_text() for module in modules())
    assert re.search(rf'[("\s]"{re.escape(name)}"', source.replace(f'"{name}": ', ""))
    assert all(
        field.isidentifier() for _, field, _, _ in Formatter().parse(SENTENCES[name]) if field
    )
