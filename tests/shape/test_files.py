"""Files that one can hold in mind, and papers that name only what is there."""

import re
from pathlib import Path

import pytest

from tests.shape.files import ROOT, modules, sources
from tracker.config import CONFIG_VARIABLE, ENTRIES, SECRETS_VARIABLE

MAX_LINES = 400

PAPERS = [ROOT / "README.md", ROOT / "SECURITY.md", *(ROOT / "docs").rglob("*.md")]
LOCKS = ["requirements.lock", "requirements-dev.lock", "tests/deploy/checkov.lock"]
VARIABLES = {CONFIG_VARIABLE, SECRETS_VARIABLE, *(entry.variable for entry in ENTRIES)}


def name_of(paper: Path) -> str:
    """Return the path of a page, as pages of two directories may have one name."""
    return str(paper.relative_to(ROOT))


@pytest.mark.parametrize("path", sorted(map(str, sources())))
def test_no_file_is_longer_than_a_reader_can_hold_in_mind(path: str) -> None:
    assert len((ROOT / path).read_text().splitlines()) <= MAX_LINES


def test_every_folder_of_modules_is_a_package() -> None:
    """Else it would be left out of the distribution."""
    folders = {module.parent for module in modules()}
    assert not [folder for folder in folders if not (ROOT / folder / "__init__.py").exists()]


@pytest.mark.parametrize("paper", PAPERS, ids=name_of)
def test_papers_name_only_settings_that_exist(paper: Path) -> None:
    named = set(re.findall(r"\bTRACKER_[A-Z_]+\b", paper.read_text()))
    assert not named - VARIABLES


@pytest.mark.parametrize("paper", PAPERS, ids=name_of)
def test_papers_link_only_to_files_that_exist(paper: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", paper.read_text())
    assert not [link for link in links if not (paper.parent / link).exists()]


def pins(lock: str) -> dict[str, str]:
    """Requirement -> its hashes, of a lock file."""
    text = (ROOT / lock).read_text()
    return dict(re.findall(r"^([a-z0-9][^\\\n]*) \\\n((?:    --hash=.*\n)+)", text, re.MULTILINE))


def test_the_tests_run_on_the_packages_that_users_get() -> None:
    user, developer = map(pins, LOCKS[:2])
    assert user
    assert user.items() <= developer.items()


@pytest.mark.parametrize("lock", LOCKS)
def test_every_locked_package_has_its_hashes(lock: str) -> None:
    required = re.findall(r"^[a-z0-9]\S*==", (ROOT / lock).read_text(), re.MULTILINE)
    assert len(required) == len(pins(lock))


@pytest.mark.parametrize("lock", [*LOCKS, "tests/clients/package-lock.json"])
def test_lock_files_name_no_address_to_download_from(lock: str) -> None:
    """They must serve behind any mirror."""
    assert not re.findall(
        r"--(?:extra-)?index-url|--find-links|\"resolved\"", (ROOT / lock).read_text()
    )
