"""``make install``: `tracker` on PATH, without the checkout that it came from."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.shape.files import ROOT
from tests.terminal import read_until
from tests.tools import MORTAL, require

pytestmark = pytest.mark.timeout(400)  # it downloads all packages

CHECKOUT = (
    *("LICENSE", "Makefile", "README.md", "pyproject.toml", "requirements.lock"),
    *("scripts", "tracker", "workers"),
)


def copy_checkout(folder: Path) -> Path:
    """What is needed of a clone."""
    folder.mkdir()
    for name in CHECKOUT:
        if (ROOT / name).is_dir():
            shutil.copytree(
                ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__")
            )
        else:
            shutil.copy(ROOT / name, folder / name)
    return folder


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


def make(
    checkout: Path, target: str, home: Path, prefix: Path | None = None
) -> subprocess.CompletedProcess[str]:
    clean = {name: os.environ[name] for name in os.environ.keys() - {"PYTHONPATH", "MAKEFLAGS"}}
    return subprocess.run(
        [
            *(*MORTAL, require("make"), "--no-print-directory", target),
            *(f"PYTHON={sys.executable}", f"PREFIX={prefix or home / '.local'}"),
        ],
        cwd=checkout,
        env={**clean, "HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory, home: Path) -> Iterator[str]:
    """What `make install` prints; the checkout is removed afterwards, and in the end the rest."""
    checkout = copy_checkout(tmp_path_factory.mktemp("clone") / "tracker-cluster")
    (checkout / "build" / "lib" / "tracker").mkdir(parents=True)
    (checkout / "build" / "lib" / "tracker" / "stale.py").touch()  # of an earlier build
    before = sorted(each.relative_to(checkout) for each in checkout.rglob("*"))
    done = make(checkout, "install", home)
    assert 0 == done.returncode, done.stderr
    assert before == sorted(
        each.relative_to(checkout) for each in checkout.rglob("*") if "__pycache__" not in str(each)
    )
    shutil.rmtree(checkout)
    yield done.stdout
    again = copy_checkout(checkout.parent / "again")
    done = make(again, "uninstall", home)
    assert 0 == done.returncode, done.stderr
    assert [] == list(home.rglob("*tracker*"))


def test_the_command_serves_without_the_checkout(installed: str, home: Path) -> None:
    tracker = home / ".local" / "bin" / "tracker"
    assert f" is installed: {tracker}\n" in installed
    command = (*MORTAL, str(tracker), "serve", "--port", "0", "--admin", "127.0.0.1:0")
    with subprocess.Popen(command, cwd="/", stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout
            read_until(process.stdout.fileno(), rb"^ready .*redis=up\n")
        finally:
            process.terminate()
        assert 0 == process.wait(20)
    assert not [*home.rglob("stale.py")]


@pytest.mark.usefixtures("installed")
def test_shells_find_the_completion(home: Path) -> None:
    share = home / ".local" / "share"
    script = (share / "bash-completion" / "completions" / "tracker").read_text()
    assert "complete -o bashdefault -o default -F _tracker tracker\n" in script
    fish = subprocess.run(
        [require("fish"), "-c", "complete -C 'tracker workers --red'"],
        env={"HOME": str(home), "PATH": f"{home}/.local/bin:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert {"--redis", "--redis-url"} <= {each.split("\t")[0] for each in fish.stdout.splitlines()}


def test_a_directory_that_is_not_in_path_is_pointed_out(installed: str, home: Path) -> None:
    assert f"{home}/.local/bin is not in PATH. Add it" in installed


@pytest.mark.usefixtures("installed")
def test_another_program_of_that_name_is_left_alone(home: Path, tmp_path: Path) -> None:
    (tmp_path / "prefix" / "bin").mkdir(parents=True)
    (other := tmp_path / "prefix" / "bin" / "tracker").write_text("#!/bin/sh\n")
    checkout = copy_checkout(tmp_path / "clone")
    for target in ("install", "uninstall"):
        done = make(checkout, target, home, tmp_path / "prefix")
        assert 2 == done.returncode
        assert f"{other} is another program: remove it, or choose another" in done.stderr
    assert "#!/bin/sh\n" == other.read_text()
