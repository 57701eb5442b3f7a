"""What the container, the service or the machine allows."""

import os
from pathlib import Path

import pytest

from tracker.machine import allowed_memory

MACHINE = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
SERVICE = "system.slice/tracker.service"

each_version = pytest.mark.parametrize(
    ("line", "top", "name"),
    [
        ("0::", ".", "memory.max"),
        ("9:cpu,memory:", "memory", "memory.limit_in_bytes"),
    ],
    ids=["2", "1"],
)


def allowed(directory: Path, line: str, path: str, limits: dict[Path, str]) -> int:
    """What is allowed to a process in a cgroup, with these limits."""
    (directory / "membership").write_text(f"1:name=systemd:/\n{line}/{path}\n")
    for file, text in limits.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return allowed_memory(directory, directory / "membership")


@each_version
@pytest.mark.parametrize(
    ("text", "expected"),
    [("104857600\n", 104_857_600), ("max\n", MACHINE), ("9223372036854771712\n", MACHINE)],
)
def test_a_container_allows_what_its_limit_says_and_never_more_than_the_machine_has(
    tmp_path: Path, line: str, top: str, name: str, text: str, expected: int
) -> None:
    assert expected == allowed(tmp_path, line, "", {tmp_path / top / name: text})


@each_version
def test_a_service_is_limited_by_its_cgroup_and_those_above(
    tmp_path: Path, line: str, top: str, name: str
) -> None:
    own, slice_ = tmp_path / top / SERVICE / name, tmp_path / top / "system.slice" / name
    assert 2 << 20 == allowed(tmp_path, line, SERVICE, {own: str(2 << 20)})
    assert 1 << 20 == allowed(tmp_path, line, SERVICE, {slice_: str(1 << 20)})


@each_version
def test_a_container_that_does_not_see_its_path_has_the_limit_of_the_top(
    tmp_path: Path, line: str, top: str, name: str
) -> None:
    assert 1 << 20 == allowed(tmp_path, line, "docker/0123", {tmp_path / top / name: str(1 << 20)})


def test_without_a_cgroup_the_machine_is_the_limit(tmp_path: Path) -> None:
    assert MACHINE == allowed_memory(tmp_path, tmp_path / "missing")
