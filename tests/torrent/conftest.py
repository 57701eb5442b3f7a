"""A directory to share."""

from pathlib import Path

import pytest

from tests.torrent.trees import grow_tree


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return grow_tree(tmp_path)
