"""A large file goes through two tabs, which do not hold it in memory."""

import os
from pathlib import Path

import pytest

from tests.clients.sample import digest_of
from tests.clients.sharing_site import run_pages, running_sites

PATIENCE = 600.0  # seconds: on a busy machine it takes minutes, on another one less than two
SIZE = 1_000_000_000  # bytes
CHUNK = 1_000_000
LIMIT = 500_000_000  # bytes of each tab's process, of which a browser's code is about 150 MB


@pytest.mark.timeout(PATIENCE)
def test_a_gigabyte_is_held_by_neither_tab(tmp_path: Path) -> None:
    file = tmp_path / "large.bin"
    with file.open("wb") as output:
        for _ in range(0, SIZE, CHUNK):
            output.write(os.urandom(CHUNK))
    with running_sites() as sites:
        facts = run_pages("sharing_memory.mjs", *sites.urls, str(file), patience=PATIENCE)
    assert digest_of(file) == facts["sha256"]
    for tab in ("sharer", "receiver"):
        assert 0 < facts[tab] < LIMIT, facts
