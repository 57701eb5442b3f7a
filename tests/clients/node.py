"""The clients that come from npm: scripts beside this file, packages in `node_modules`."""

import subprocess
from pathlib import Path

from tests.tools import missing, require

HERE = Path(__file__).parent
PATIENCE = 45  # seconds


def run_script(script: str, *args: str, packages: tuple[str, ...]) -> str:
    """What a script writes to its standard output.

    Args:
        script: name of a file in this folder.
        args: the script's own.
        packages: those of npm that it drives; without them the test skips, and fails in CI.

    Raises:
        AssertionError: it ended with another code than 0; the message holds what it wrote.
    """
    for package in packages:
        if not (HERE / "node_modules" / package).exists():
            missing(f"the npm package {package}")
    run = subprocess.run(
        [require("node"), HERE / script, *args],
        capture_output=True,
        check=False,
        text=True,
        timeout=PATIENCE,
    )
    assert 0 == run.returncode, run.stdout + run.stderr
    return run.stdout
