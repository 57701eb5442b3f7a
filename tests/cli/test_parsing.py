"""The command line: help, version, and errors for wrong commands and options."""

from typing import cast

import pytest

from tests.client.trackers import INFO_HASH
from tracker import __version__
from tracker.cli import main
from tracker.cli.parsing import COMMANDS, configured, option_names, parse, subcommands
from tracker.config import ENTRIES

HASH = INFO_HASH.hex()
Capture = pytest.CaptureFixture[str]


def end_of(*argv: str) -> int:
    """The exit code, however the command ends."""
    try:
        return main(argv)
    except SystemExit as end:
        return cast(int, end.code)


@pytest.mark.parametrize("word", ["--version", "version"])
def test_the_version_is_printed(capsys: Capture, word: str) -> None:
    assert 0 == end_of(word)
    assert f"tracker {__version__}\n" == capsys.readouterr().out


@pytest.mark.parametrize("argv", [[], ["help"], ["--help"], ["-h"], ["tracker"]], ids=str)
def test_without_a_command_the_help_lists_all_commands(capsys: Capture, argv: list[str]) -> None:
    assert 0 == end_of(*argv)
    out = capsys.readouterr().out
    assert out.startswith("usage: tracker COMMAND [OPTIONS]\n")
    assert [*COMMANDS, "help"] == [
        line.split()[0]
        for line in out.partition("commands:\n")[2].partition("\n\n")[0].splitlines()
    ]


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("words", [["help", "{}"], ["{}", "--help"]], ids=["help", "option"])
def test_each_command_explains_itself(capsys: Capture, words: list[str], command: str) -> None:
    assert 0 == end_of(*(word.format(command) for word in words))
    assert capsys.readouterr().out.startswith(f"usage: tracker {command} ")


def test_a_command_below_a_command_explains_itself(capsys: Capture) -> None:
    assert 0 == end_of("help", "access", "remove", "deny")
    assert capsys.readouterr().out.startswith("usage: tracker access remove deny ")


def test_the_name_of_the_program_may_stand_before_the_command() -> None:
    """As in `docker run IMAGE tracker workers`: the image's entry point is `tracker`."""
    assert parse(["settings", "--json"]) == parse(["tracker", "settings", "--json"])


@pytest.mark.parametrize("command", ["serve", "workers", "forward", "status"])
def test_help_is_short_and_help_all_lists_every_setting(capsys: Capture, command: str) -> None:
    assert 0 == end_of(command, "--help")
    short = capsys.readouterr().out
    assert 0 == end_of(command, "--help-all")
    long = capsys.readouterr().out
    assert 80 > len(short.splitlines())
    assert set(short.split()) <= set(long.split())
    assert "--redis-retry" not in short
    listed = {word.strip(",") for word in long.split() if word.startswith("-")}
    assert option_names(subcommands(configured())[command]) <= listed
    if command == "serve":
        assert {entry.flag for entry in ENTRIES} <= listed


def test_all_help_fits_a_terminal_of_80_columns(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    for command in ("help", *COMMANDS):
        end_of(command, "--help")
        end_of(command, "--help-all")
    lines = capsys.readouterr().out.splitlines()
    assert [] == [line for line in lines if len(line) > 80]


@pytest.mark.parametrize(
    "argv",
    [
        ["nonsense"],
        ["--nonsense"],
        ["help", "nonsense"],
        ["serve", "--nonsense"],
        ["serve", "--drai", "3"],
        ["serve", "extra"],
        ["announce", "udp://x:1"],
        ["announce", "udp://x:1", "nonsense"],
        ["announce", "udp://x:1", "udp://y:1", HASH],
        ["announce", "udp://x:1", HASH, "0" * 40],
        ["announce", "udp://x:1", HASH, "--port", "65536"],
        ["announce", "udp://x:1", HASH, "--left", "-1"],
        ["announce", "udp://x:1", HASH, "--peer-id", "short"],
        ["announce", "udp://x:1", HASH, "--peer-id", "z" * 40],
        ["announce", "udp://x:1", HASH, "--event", "paused"],
        ["announce", "udp://x:1", HASH, "--timeout", "0"],
        ["announce", "udp://x:1", HASH, "--timeout", "soon"],
        ["announce", "udp://x:1", HASH, "--ipv4", "--ipv6"],
        ["scrape", "udp://x:1"],
        ["scrape"],
        ["torrent"],
        ["torrent", "file", "--v1", "--v2"],
        ["torrent", "file", "--tracker", "nonsense:port"],
        ["access"],
        ["access", "deny", "nonsense"],
        ["access", "remove", HASH],
        ["access", "clear"],
        ["access", "check"],
        ["completion"],
        ["completion", "powershell"],
        ["settings", "--json", "--toml"],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_one_line_and_exits_with_2(capsys: Capture, argv: list[str]) -> None:
    assert 2 == end_of(*argv)
    out, err = capsys.readouterr()
    assert "" == out
    (line,) = err.splitlines()
    assert line.startswith("tracker: ")


@pytest.mark.parametrize(
    ("argv", "line"),
    [
        (["srve"], "unknown command 'srve' (did you mean serve?); see `tracker --help`"),
        (
            ["access", "dney"],
            "unknown action 'dney' (did you mean deny?); see `tracker access --help`",
        ),
        (
            ["access", "remove", "alow"],
            "unknown kind 'alow' (did you mean allow?); see `tracker access remove --help`",
        ),
        (
            ["access", "remove", HASH],
            (
                f"unknown kind '{HASH}': name one of allow, deny, "
                f"as in `tracker access remove deny {HASH}`; see `tracker access remove --help`"
            ),
        ),
        (["xyz"], "unknown command 'xyz'; see `tracker --help`"),
        (
            ["serve", "--announce-intervall", "900"],
            (
                "unknown option --announce-intervall (did you mean --announce-interval?); "
                "see `tracker serve --help`"
            ),
        ),
        (
            ["serve", "--announce.interval=900"],
            (
                "unknown option --announce.interval (did you mean --announce-interval?); "
                "see `tracker serve --help`"
            ),
        ),
        (
            ["serve", "--external-ip", "192.0.2.1"],
            (
                "unknown option --external-ip (did you mean --announce-external-ip?); "
                "see `tracker serve --help`"
            ),
        ),
        (
            ["access", "deny", HASH, "--fil"],
            "unknown option --fil (did you mean --file?); see `tracker access --help`",
        ),
        (
            ["announce", "--event", "strated", HASH],
            (
                "argument --event: 'strated' is not one of started, completed, stopped "
                "(did you mean started?); see `tracker announce --help`"
            ),
        ),
        (
            ["--port", "9000"],
            (
                "unknown option --port: options follow a command, as in `tracker serve --port`; "
                "see `tracker --help`"
            ),
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_misspelled_name_has_a_suggestion(capsys: Capture, argv: list[str], line: str) -> None:
    assert 2 == end_of(*argv)
    assert f"tracker: {line}\n" == capsys.readouterr().err


def test_words_may_stand_before_and_after_options() -> None:
    arguments = parse(["announce", "udp://x:1", "--port", "7", HASH])
    assert arguments
    assert (["udp://x:1", HASH], 7) == (arguments.words, arguments.port)
