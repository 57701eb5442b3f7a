"""``tracker serve``: from flags to settings to an exit code; serving is tested elsewhere."""

import sys
from types import ModuleType

import pytest

from tracker.cli import main
from tracker.config import ENTRIES
from tracker.settings import Settings


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[Settings]:
    """Settings that the app was started with; it ends with the port as its exit code."""
    settings: list[Settings] = []

    def run(given: Settings) -> int:
        settings.append(given)
        return given.listen.port

    app = ModuleType("tracker.app")
    app.run = run  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "tracker.app", app)
    monkeypatch.setattr("tracker.app", app, raising=False)
    return settings


def test_flags_become_settings_and_the_apps_exit_code_is_ours(served: list[Settings]) -> None:
    argv = ["--port", "3", "--only", "udp,http", "--redis", "redis://x", "--log-json-lines"]
    assert main(["serve", *argv]) == 3
    (settings,) = served
    assert {"udp", "http"} == settings.listen.only
    assert settings.log.json_lines
    assert settings.redis.url is not None
    assert settings.redis.url.get_secret_value() == "redis://x"


def test_every_setting_has_a_flag(served: list[Settings]) -> None:
    defaults = {e: e.default for e in ENTRIES if e.default not in (None, [])}
    argv = []
    for entry, value in defaults.items():
        if isinstance(value, bool):
            argv.append(entry.flag if value else entry.flag.replace("--", "--no-"))
        else:
            argv.append(f"{entry.flag}={','.join(value) if isinstance(value, list) else value}")
    main(["serve", *argv])
    assert [Settings()] == served


def test_the_environment_is_read_and_flags_outweigh_it(
    served: list[Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRACKER_PORT", "5")
    monkeypatch.setenv("TRACKER_DRAIN", "7")
    monkeypatch.setenv("TRACKER_PROXY_PROTOCOL", "true")
    assert main(["serve", "--drain", "8", "--no-proxy-protocol"]) == 5
    assert (8.0, False) == (served[0].listen.drain, served[0].listen.proxy_protocol)


def test_a_toml_file_is_read(served: list[Settings], tmp_path: object) -> None:
    file = f"{tmp_path}/tracker.toml"
    with open(file, "w", encoding="utf-8") as toml:
        toml.write("[listen]\nport = 6")
    assert main(["serve", "--config", file]) == 6
    assert len(served) == 1


def test_bad_settings_are_a_line_each_and_exit_with_2(
    served: list[Settings],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("TRACKER_PROT", "secret")
    assert main(["serve", "--backlog", "0"]) == 2
    assert [
        "tracker: unknown setting TRACKER_PROT (did you mean TRACKER_PORT?)",
        "tracker: listen.backlog = '0' (from --backlog): must be greater than or equal to 1",
    ] == capsys.readouterr().err.splitlines()
    assert served == []


@pytest.mark.parametrize("command", ["serve", "workers", "status"])
def test_an_unknown_option_of_the_redis_url_is_bad_usage(
    served: list[Settings], capsys: pytest.CaptureFixture[str], command: str
) -> None:
    assert main([command, "--redis", "redis://:secret@127.0.0.1:7777?foo=1"]) == 2
    assert ("", "tracker: redis.url: unknown option foo\n") == capsys.readouterr()
    assert served == []


MISSING = "--access-deny=/nowhere/denied.txt"
OWN = "--redis=redis://127.0.0.1:7777"


@pytest.mark.parametrize(
    "argv",
    [["serve", MISSING], ["serve", OWN, "--with-workers", MISSING], ["workers", OWN, MISSING]],
)
def test_a_missing_file_of_an_access_list_is_bad_usage(
    served: list[Settings], capsys: pytest.CaptureFixture[str], argv: list[str]
) -> None:
    assert main(argv) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(
        "tracker: access.deny = '/nowhere/denied.txt' (--access-deny, TRACKER_ACCESS_DENY): "
    )
    assert served == []


@pytest.mark.parametrize(
    "argv",
    [[OWN, MISSING], ["--access-deny=https://127.0.0.1:7777/x"], [f"--access-deny={__file__}"]],
)
def test_a_list_that_is_read_elsewhere_or_later_or_exists_does_not_stop_the_start(
    served: list[Settings], argv: list[str]
) -> None:
    main(["serve", *argv])
    assert len(served) == 1
