"""Each module has tests of its own, where one looks for them."""

import ast
from pathlib import Path

import pytest

from tests.shape.files import ROOT, modules

# Small modules that are tested together with others, and the files where.
TESTED_IN = {
    "tracker/cli/__init__.py": "tests/cli/test_main.py",
    "tracker/cli/announce.py": "tests/cli/test_asking.py",
    "tracker/cli/scrape.py": "tests/cli/test_asking.py",
    "tracker/cli/version.py": "tests/cli/test_parsing.py",
    "tracker/frontends/closing.py": "tests/frontends/test_http_budgets.py",
    "tracker/frontends/http_requests.py": "tests/frontends/test_http.py",
    "tracker/frontends/ports.py": "tests/frontends/test_door.py",
    "tracker/frontends/proxied.py": "tests/frontends/test_door.py",
    "tracker/frontends/session.py": "tests/frontends/sessions/test_entries.py",
    "tracker/frontends/unanswered.py": "tests/frontends/sessions/test_offers.py",
    "tracker/web/server.py": "tests/web/test_pages.py",
    "tracker/store/fenced.py": "tests/store/test_leases.py",
    "tracker/store/scripts/__init__.py": "tests/store/test_leases.py",
    "tracker/upkeep.py": "tests/test_node.py",
}


def has_code(module: Path) -> bool:
    """Whether any function has a body: constants, records and Protocols have nothing to test."""
    return any(
        not is_remark(statement)
        for node in ast.walk(ast.parse((ROOT / module).read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for statement in node.body
    )


def is_remark(statement: ast.stmt) -> bool:
    """A docstring or an ellipsis."""
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def mirrors(module: Path) -> list[Path]:
    """Test files of a module: ``tracker/wire/udp.py`` → ``tests/wire/test_udp.py``.

    Large ones are parted, as in ``test_udp_scrape.py`` or a folder ``udp``; a package's
    ``__init__.py`` has ``tests/wire/test_wire.py``.
    """
    package = ROOT / "tests" / Path(*module.parent.parts[module.parts[0] == "tracker" :])
    name = package.name if module.stem == "__init__" else module.stem
    parts = (package / f"test_{name}.py", *package.glob(f"test_{name}_*.py"))
    return [path for path in (*parts, *(package / name).glob("test_*.py")) if path.exists()]


WITH_CODE = {str(module): module for module in modules() if has_code(module)}


@pytest.mark.parametrize("module", sorted(WITH_CODE.keys() - TESTED_IN))
def test_every_module_with_code_has_its_test_file(module: str) -> None:
    assert mirrors(WITH_CODE[module])


@pytest.mark.parametrize(("module", "file"), TESTED_IN.items())
def test_modules_said_to_be_tested_in_another_file_are_not_in_their_own(
    module: str, file: str
) -> None:
    assert (ROOT / file).exists()
    assert [] == mirrors(WITH_CODE[module])
