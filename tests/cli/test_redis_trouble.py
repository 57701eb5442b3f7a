"""Commands that need Redis fail at once, in one line, when it cannot be used."""

from collections.abc import Callable
from pathlib import Path
from time import monotonic

import pytest

from tests.redis_servers import StartRedis, TlsFiles
from tests.redis_trouble import KINDS, Lab, Trouble, each_of, named
from tracker.cli import main
from tracker.settings import RedisSettings

pytestmark = pytest.mark.usefixtures("logging_as_before")

INFO_HASH = "ab" * 20
# All that ask Redis; `serve` and `workers` wait for it instead.
COMMANDS = [
    ["status"],
    ["status", "--json"],
    ["status", "--watch"],
    ["access", "list"],
    ["access", "list", "--entries"],
    ["access", "check", INFO_HASH],
    ["access", "allow", INFO_HASH],
    ["access", "deny", INFO_HASH],
    ["access", "remove", "deny", INFO_HASH],
    ["access", "clear", "deny"],
]
SLACK_S = 3.0  # of a busy machine


@pytest.fixture
def lab(start_redis: StartRedis, tls_files: TlsFiles, tmp_path: Path) -> Lab:
    return Lab(start_redis, tls_files, tmp_path)


Fail = Callable[[list[str], str], str]


@pytest.fixture
def fail(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Fail:
    """Runs a command on a Redis that cannot be used; returns its line."""

    def fail(command: list[str], url: str) -> str:
        monkeypatch.setenv("TRACKER_REDIS_URL", url)
        began_at = monotonic()
        assert 1 == main(command)
        assert monotonic() - began_at < RedisSettings().timeout + SLACK_S
        said = capsys.readouterr()
        assert "" == said.out
        (line,) = said.err.splitlines()
        return line

    return fail


@each_of(KINDS)
def test_each_trouble_is_one_line(trouble: Trouble, lab: Lab, fail: Fail) -> None:
    with trouble.arranged(lab) as url:
        line = fail(["status"], url)
    assert line.startswith("tracker: cannot use Redis at ")
    assert trouble.text in line or trouble.name == "no_client_certificate"  # it races
    assert trouble.hint in line or trouble.name == "no_client_certificate"
    assert "secret" not in line


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@each_of(named("refused", "wrong_password"))
def test_each_command_fails_so(trouble: Trouble, command: list[str], lab: Lab, fail: Fail) -> None:
    with trouble.arranged(lab) as url:
        assert trouble.text in fail(command, url)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_right_that_is_missing_is_named(
    command: list[str], start_redis: StartRedis, fail: Fail
) -> None:
    server = start_redis(tcp=True)
    with server.client() as client:
        client.acl_setuser("eve", enabled=True, passwords=["+pass"], categories=["-@all"])
    line = fail(command, server.url.replace("//", "//eve:pass@"))
    assert line.startswith(f"tracker: cannot use Redis at 127.0.0.1:{server.port}: NOPERM ")
    assert "docs/cluster.md" in line
