"""The units for systemd: what they name is there, and systemd finds nothing amiss."""

import re
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.shape.files import ROOT
from tests.tools import require
from tracker.cli.parsing import parse
from tracker.config import ENTRIES, PREFIX, SECRETS_VARIABLE, load
from tracker.embedded.server import SAVE_TIMEOUT_S, STOP_TIMEOUT_S
from tracker.policy.connections import fit_files
from tracker.processes.supervisor import HURRY_S, LATE_S
from tracker.settings import ListenSettings, Settings

FOLDER = ROOT / "deploy/systemd"
UNITS = sorted(FOLDER.glob("*.service"))
TRACKER, WORKERS = FOLDER / "tracker.service", FOLDER / "tracker-workers.service"
EXAMPLE = FOLDER / "tracker.env"

PROGRAM = "/opt/tracker/bin/tracker"  # where docs/deploy.md installs it
SECRET = "redis://:password@redis.example"  # right for all of them
THREADS = 16  # of one process, at most
MOST_EXPOSED = 20  # tenths of 10: systemd's own measure, which differs a little between versions

each_unit = pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)


def values(unit: Path, name: str) -> list[str]:
    """What a unit says of something, in order."""
    return re.findall(rf"^{name}=(.*)$", unit.read_text(), re.MULTILINE)


def value(unit: Path, name: str) -> str:
    """What it says only once."""
    (only,) = values(unit, name)
    return only


def settings(unit: Path, credentials: Path, environment: Mapping[str, str]) -> Settings:
    """Those with which a unit's command starts.

    Args:
        unit: the file.
        credentials: the directory that systemd makes of them.
        environment: beside that of the unit.
    """
    program, *words = shlex.split(value(unit, "ExecStart"))
    assert PROGRAM == program
    arguments = vars(parse(words))
    ours = dict(assignment.split("=", 1) for assignment in values(unit, "Environment"))
    assert {"TMPDIR", SECRETS_VARIABLE} >= {name for name in ours if name not in known()}
    assert "%d" == ours[SECRETS_VARIABLE]
    return load(
        {e.name: given for e in ENTRIES if (given := arguments[e.name]) is not None},
        {**ours, SECRETS_VARIABLE: str(credentials), **environment},
    )


def known() -> set[str]:
    """The variables of all settings."""
    return {entry.variable for entry in ENTRIES}


def example() -> dict[str, str]:
    """All that the example shows, as if nothing were commented out."""
    shown = re.findall(r"^#?([A-Z_]+)=(.*)$", EXAMPLE.read_text(), re.MULTILINE)
    assert shown
    return dict(shown)


def test_both_commands_have_a_unit() -> None:
    assert [WORKERS, TRACKER] == UNITS
    commands = [shlex.split(value(unit, "ExecStart"))[1] for unit in UNITS]
    assert ["workers", "serve"] == commands


@each_unit
def test_it_starts_without_settings_and_secrets(unit: Path, tmp_path: Path) -> None:
    assert settings(unit, tmp_path, {}).redis.url is None
    # Of a path that is missing, or a file, systemd would make an error.
    assert [] == [name for name in values(unit, "LoadCredential") if ":" in name]
    assert all(file.startswith("-") for file in values(unit, "EnvironmentFile"))


@each_unit
def test_secrets_are_settings(unit: Path, tmp_path: Path) -> None:
    secrets = {entry.variable for entry in ENTRIES if entry.is_secret}
    assert secrets == set(values(unit, "LoadCredential"))
    for name in secrets:
        (tmp_path / name).write_text(SECRET)
    url = settings(unit, tmp_path, {}).redis.url
    assert url
    assert SECRET == url.get_secret_value()


@each_unit
def test_the_example_is_understood(unit: Path, tmp_path: Path) -> None:
    shown = example()
    assert all(name.startswith(PREFIX) for name in shown)
    started = settings(unit, tmp_path, shown)
    assert 80 == started.listen.port
    assert started.tls.cert
    assert f"-/etc/tracker/{EXAMPLE.name}" == value(unit, "EnvironmentFile")


def test_a_tracker_and_workers_on_one_machine_do_not_want_the_same_port(tmp_path: Path) -> None:
    for environment in ({}, example()):
        tracker, workers = (settings(unit, tmp_path, environment) for unit in (TRACKER, WORKERS))
        assert tracker.listen.admin != workers.listen.admin


@pytest.mark.parametrize("environment", [{}, example()], ids=["default", "example"])
def test_nobody_is_killed_who_still_drains(environment: dict[str, str], tmp_path: Path) -> None:
    configured = settings(TRACKER, tmp_path, environment)
    drain_s = configured.listen.drain + configured.ws.drain
    longest_s = drain_s + LATE_S + HURRY_S + SAVE_TIMEOUT_S + STOP_TIMEOUT_S
    assert int(value(TRACKER, "TimeoutStopSec")) >= longest_s
    assert "mixed" == value(TRACKER, "KillMode")  # else its Redis would end before it


def test_there_are_files_for_all_connections() -> None:
    listen = Settings().listen
    files = fit_files(listen.max_connections, listen.backlog, len(listen.tcp_ports), None)
    assert int(value(TRACKER, "LimitNOFILE")) >= files.open_files


@each_unit
def test_memory_and_tasks_are_limited(unit: Path) -> None:
    high, most = (limit(value(unit, name)) for name in ("MemoryHigh", "MemoryMax"))
    assert high < most
    assert "0" == value(unit, "MemorySwapMax")
    assert int(value(unit, "TasksMax")) > 0


def limit(text: str) -> float:
    """A part of the machine's memory, or mebibytes."""
    number, unit = float(text[:-1]), text[-1]
    return number / 100 if unit == "%" else {"M": number, "G": number * 1024}[unit]


def test_every_process_has_room_for_threads() -> None:
    bounds = ListenSettings.model_fields["processes"].metadata
    (most,) = [each.le for each in bounds if hasattr(each, "le")]
    assert int(value(TRACKER, "TasksMax")) >= THREADS * most


@each_unit
def test_settings_that_are_refused_are_not_tried_again(unit: Path) -> None:
    assert "always" == value(unit, "Restart")
    assert "2" == value(unit, "RestartPreventExitStatus")


def test_only_what_listens_for_sighup_gets_one() -> None:
    assert values(TRACKER, "ExecReload")
    assert [] == values(WORKERS, "ExecReload")


@each_unit
def test_systemd_understands_all(unit: Path, tmp_path: Path) -> None:
    done = analyze("verify", installed(unit, tmp_path))
    # It may find something amiss with units of this machine, too.
    assert [] == [line for line in done.stdout.splitlines() if unit.name in line]
    assert 0 == done.returncode, done.stdout


@each_unit
def test_it_is_shut_in(unit: Path, tmp_path: Path) -> None:
    limits = ("--offline=true", f"--threshold={MOST_EXPOSED}")
    done = analyze("security", *limits, installed(unit, tmp_path))
    assert 0 == done.returncode, done.stdout


def installed(unit: Path, where: Path) -> Path:
    """A copy that starts a program which is there: systemd looks whether it is."""
    program = Path(sys.executable).with_name("tracker")
    (copy := where / unit.name).write_text(unit.read_text().replace(PROGRAM, str(program)))
    return copy


def analyze(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """What systemd says to a file; it need not run."""
    return subprocess.run(
        [require("systemd-analyze"), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=30,
        check=False,
    )
