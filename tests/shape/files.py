"""The project's own files."""

from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("tracker", "workers")


def modules() -> list[Path]:
    """All Python files of the packages, relative to the root."""
    return [path.relative_to(ROOT) for name in PACKAGES for path in (ROOT / name).rglob("*.py")]


def sources() -> Iterator[Path]:
    """All files that hold code, relative to the root."""
    for folder in (*PACKAGES, "tests", "scripts", ".ci"):
        for path in (ROOT / folder).rglob("*"):
            hidden = {"node_modules", "__pycache__"}.intersection(path.parts)
            if path.is_file() and not hidden and path.suffix in {"", ".py", ".mjs", ".lua", ".sh"}:
                yield path.relative_to(ROOT)
