"""The clients that come from npm: scripts beside this file, packages in `node_modules`."""

import subprocess
from pathlib import Path

from tests.tools import MORTAL, missing, require

HERE = Path(__file__).parent
PATIENCE = 45  # seconds


def run_script(script: str, *args: str, packages: tuple[str, ...]) -> str:
    """What a script writes to its standard output.

    Args:
        script: name of a file in this folder.
        args: the script's own.
        packages: those of npm that it drives; without them the test skips, and fails in CI.

    Raises:
        AssertionError: it failed or took too long; the message holds what it wrote.
    """
    for package in packages:
        if not (HERE / "node_modules" / package).exists():
            missing(f"the npm package {package}")
    with subprocess.Popen(
        [*MORTAL, require("node"), str(HERE / script), *args],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as run:
        try:
            output, errors = run.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            run.kill()
            output, errors = run.communicate()
    assert 0 == run.returncode, output + errors
    return output
