"""``tracker settings``."""

import json
from pathlib import Path

import pytest

from tests.terminal import Terminal
from tracker.cli import main
from tracker.cli.settings import default_text
from tracker.config import ENTRIES, load
from tracker.settings import Settings


def output(capsys: pytest.CaptureFixture[str], *argv: str) -> str:
    assert main(["settings", *argv]) == 0
    return capsys.readouterr().out


def test_the_table_has_a_line_for_each_setting(capsys: pytest.CaptureFixture[str]) -> None:
    head, *lines = output(capsys).splitlines()
    assert ["environment", "flag", "default", "meaning"] == head.split()
    assert [[e.variable, e.flag] for e in ENTRIES] == [line.split()[:2] for line in lines]
    by_variable = {line.split()[0]: line.split(maxsplit=3) for line in lines}
    meaning = "one port for all protocols; 0: any free"
    assert ["TRACKER_PORT", "--port", "8000", meaning] == by_variable["TRACKER_PORT"]
    assert {"none", "empty", "http,udp,ws", "false"} == {
        by_variable[f"TRACKER_{name}"][2] for name in ("TLS_KEY", "HOST", "ONLY", "PROXY_PROTOCOL")
    }


def test_on_a_terminal_each_setting_has_lines_that_fit() -> None:
    with Terminal("-m", "tracker", "settings", size=(80, 2000)) as terminal:
        assert 0 == terminal.ended()
    lines = terminal.shown.lines
    assert "listen: Where the frontends listen." == lines[0]
    for entry in ENTRIES:
        (at,) = (at for at, line in enumerate(lines) if line.startswith(f"  {entry.flag} ("))
        end = lines.index(f"      {entry.variable}", at)
        assert all(line.startswith("      ") for line in lines[at + 1 : end])
        shown = "".join(lines[at:end]).replace(" ", "")
        text = f"{entry.flag}(default:{default_text(entry)}){entry.info.description}"
        assert text.replace(" ", "") == shown


def test_json_has_all_facts_of_each_setting(capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads(output(capsys, "--json"))
    assert [e.name for e in ENTRIES] == [one["name"] for one in found]
    by_name = {one["name"]: one for one in found}
    assert by_name["ws.max_offers"] == {
        "name": "ws.max_offers",
        "environment": "TRACKER_WS_MAX_OFFERS",
        "flag": "--ws-max-offers",
        "default": 10,
        "meaning": "offers used of one announce",
    }
    assert by_name["listen.only"]["default"] == ["http", "udp", "ws"]
    assert by_name["tls.cert"]["default"] is None


def test_toml_loads_back_to_the_defaults_and_names_every_setting(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "tracker.toml"
    text = output(capsys, "--toml")
    file.write_text(text)
    assert Settings() == load({}, {}, file)
    for entry in ENTRIES:
        assert f"({entry.variable})" in text
        assert f"\n{entry.field} = " in text or f"\n# {entry.field} =\n" in text
