"""The paths of announces and scrapes."""

import pytest
from pydantic import TypeAdapter, ValidationError

from tracker.paths import ANNOUNCE_PATHS, Paths, paths_of, scrape_path

paths: TypeAdapter[tuple[str, ...]] = TypeAdapter(Paths)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/announce", "/scrape"),
        ("/KEY/announce.php", "/KEY/scrape.php"),
        ("/announce/KEY", None),
        ("/announce/", None),
        ("/a", None),
    ],
)
def test_the_scrape_path_follows_from_the_announce_path(path: str, expected: str | None) -> None:
    assert expected == scrape_path(path)


def test_each_protocol_has_a_path_in_announce_urls() -> None:
    assert {"http": "/x", "udp": "/announce", "ws": "/"} == paths_of("/x")


def test_the_usual_paths_are_valid() -> None:
    assert ANNOUNCE_PATHS == paths.validate_python(ANNOUNCE_PATHS)


@pytest.mark.parametrize("wrong", ["announce", "", "/", "//a", "/a?b", "/ä", "/a b", "http://h/a"])
def test_what_is_no_path_is_refused(wrong: str) -> None:
    with pytest.raises(ValidationError, match="not a path"):
        paths.validate_python(("/announce", wrong))


def test_there_is_one_path_at_least() -> None:
    with pytest.raises(ValidationError, match="one path"):
        paths.validate_python(())
