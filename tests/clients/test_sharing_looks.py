"""The pages /share and /get at three widths, light and dark, checked with axe-core."""

from pathlib import Path

import pytest

from tests.clients.picture import picture
from tests.clients.sharing_site import run_pages, running_sites

PATIENCE = 240.0


@pytest.mark.timeout(PATIENCE)
def test_pages_are_accessible_and_fit_at_each_width(tmp_path: Path) -> None:
    large = tmp_path / "large.bin"
    with large.open("wb") as file:
        file.truncate(1_000_000_000)
    (folder := tmp_path / "Holiday in Norway").mkdir()
    (folder / "sunset.png").write_bytes(picture())
    (folder / f"{'a rather long name ' * 8}.txt").write_text("long")
    (single := tmp_path / "sunset.png").write_bytes(picture())
    with running_sites() as sites:
        facts = run_pages(
            "sharing_looks.mjs",
            *(sites.urls[0], str(large), str(single), str(folder)),
            patience=PATIENCE,
        )
    assert [] == facts["found"]
    assert facts["link"] == facts["code"]
