"""Completion scripts, in the real shells."""

import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.terminal import read_until
from tests.tools import MORTAL, require
from tracker.cli import main
from tracker.cli.parsing import COMMANDS, configured, option_names, subcommands

SHELLS = ("bash", "zsh", "fish")
CLEAR = b"\x15"  # Ctrl-U: the line so far
BELL = b"\x07"  # there is nothing to complete

# The words before the cursor, and what may follow.
CASES = [
    ("tracker ", {*COMMANDS, "help"}),
    ("tracker se", {"serve", "settings"}),
    ("tracker serve --announce-int", {"--announce-interval", "--announce-interval-jitter"}),
    ("tracker serve --host x --tls-c", {"--tls-cert"}),
    ("tracker announce --event ", {"started", "completed", "stopped"}),
    ("tracker announce --event st", {"started", "stopped"}),
    ("tracker serve --log-level ", {"debug", "info", "warning", "error"}),
    ("tracker serve --only ", {"http", "udp", "ws"}),
    ("tracker status --port ", set()),
    ("tracker access clear --port ", set()),
    ("tracker access r", {"remove"}),
    ("tracker access remove ", {"allow", "deny"}),
    ("tracker completion ", {*SHELLS}),
    ("tracker help sc", {"scrape"}),
]
each_case = pytest.mark.parametrize(("line", "expected"), CASES, ids=[line for line, _ in CASES])


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    require(name)
    return name


@pytest.fixture
def scripts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """A directory with the script of each shell, called like the shell."""
    for name in SHELLS:
        assert 0 == main(["completion", name])
        (tmp_path / name).write_text(capsys.readouterr().out)
    return tmp_path


def output(*command: str) -> str:
    done = subprocess.run(
        [*MORTAL, *command], capture_output=True, text=True, check=False, timeout=20
    )
    assert ("", 0) == (done.stderr, done.returncode)
    return done.stdout


def test_the_shell_reads_the_script(shell: str, scripts: Path) -> None:
    output(shell, "-n", str(scripts / shell))


def test_every_option_is_in_the_script(shell: str, scripts: Path) -> None:
    script = (scripts / shell).read_text()
    names = option_names(configured())
    if shell == "fish":  # it has `-l host` for --host
        names = {f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}" for name in names}
    assert [] == [name for name in names if name not in script]
    assert all(name in script for name in subcommands(configured()))


@each_case
def test_bash_completes_words(scripts: Path, line: str, expected: set[str]) -> None:
    words = line.split(" ")
    program = f"""
        source {scripts}/bash
        COMP_WORDS=({" ".join(word or "''" for word in words)}) COMP_CWORD={len(words) - 1}
        _tracker
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    require("bash")
    assert expected == set(output("bash", "--norc", "-c", program).split())


def test_bash_completes_a_value_after_an_equals_sign(scripts: Path) -> None:
    require("bash")
    program = f"""
        source {scripts}/bash
        COMP_WORDS=(tracker announce --event = com) COMP_CWORD=4
        _tracker
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    assert "completed\n" == output("bash", "--norc", "-c", program)


@each_case
def test_fish_completes_words(scripts: Path, line: str, expected: set[str]) -> None:
    program = f"source {scripts}/fish; complete -C '{line}'"
    found = output(require("fish"), "--no-config", "-c", program)
    assert expected == {each.partition("\t")[0] for each in found.splitlines()}


@contextmanager
def terminal(*command: str, folder: Path) -> Iterator[int]:
    """A shell on a terminal, which is yielded; most shells complete nowhere else."""
    ours, theirs = pty.openpty()
    environment = {"TERM": "dumb", "HOME": str(folder), "PATH": "/usr/bin:/bin", "PS1": "READY> "}
    with subprocess.Popen(
        [*MORTAL, *command],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environment,
        cwd=folder,
        start_new_session=True,
    ) as process:
        os.close(theirs)
        try:
            read_until(ours, b"READY> ")
            yield ours
        finally:
            process.kill()
            os.close(ours)


def test_zsh_completes_commands_and_options_on_a_terminal(scripts: Path) -> None:
    with terminal(require("zsh"), "-f", "-i", folder=scripts) as zsh:
        os.write(zsh, b"autoload -Uz compinit; compinit -u -D; source ./zsh; echo DONE\n")
        read_until(zsh, rb"\nDONE\s")
        os.write(zsh, b"tracker com\t")
        read_until(zsh, b"tracker completion ")
        os.write(zsh, CLEAR + b"tracker serve --announce-interval\t")
        read_until(zsh, rb"--announce-interval-jitter +-- part by which")
        os.write(zsh, CLEAR + b"tracker access remove \t")
        read_until(zsh, rb"allow +-- .*deny +-- ")
        os.write(zsh, CLEAR + b"tracker serve --port fi\t")
        read_until(zsh, b"tracker serve --port fi" + BELL)
        os.write(zsh, b" --config fi\t")
        read_until(zsh, b"--config fish ")


def test_bash_completes_commands_and_files_on_a_terminal(scripts: Path) -> None:
    with terminal(require("bash"), "--norc", "--noprofile", "-i", folder=scripts) as bash:
        os.write(bash, b"source ./bash; echo DONE\n")
        read_until(bash, rb"\nDONE\s")
        os.write(bash, b"tracker com\t")
        read_until(bash, b"tracker completion ")
        os.write(bash, CLEAR + b"tracker torrent zs\t")
        read_until(bash, b"tracker torrent zsh ")
        os.write(bash, CLEAR + b"tracker serve --port zs\t")
        read_until(bash, b"tracker serve --port zs" + BELL)
        os.write(bash, b" --config zs\t")
        read_until(bash, b"--config zsh ")


def test_help_tells_how_to_load_the_script(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["completion", "--help"])
    shown = capsys.readouterr().out
    assert set(SHELLS) == set(re.findall(r"tracker completion (\w+)", shown))


def test_a_wrong_shell_is_wrong_usage() -> None:
    command = (sys.executable, "-m", "tracker", "completion", "tcsh")
    done = subprocess.run([*MORTAL, *command], capture_output=True, text=True, check=False)
    assert (2, "") == (done.returncode, done.stdout)
    assert "'tcsh' is not one of bash, zsh, fish" in done.stderr
