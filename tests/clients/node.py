"""The clients that come from npm: scripts beside this file, packages in `node_modules`."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from threading import Timer
from typing import IO

from tests.tools import MORTAL, missing, require

HERE = Path(__file__).parent
PATIENCE = 45  # seconds


class Script:
    """A script that runs, and a conversation with it over its standard input and output."""

    def __init__(self, process: subprocess.Popen[str], errors: IO[str]) -> None:
        self._process, self._errors = process, errors

    def line(self) -> str:
        """Return the next line that the script writes.

        Raises:
            AssertionError: it ended before it wrote one; the message holds what it wrote to
                standard error.
        """
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line.endswith("\n"), self._failure()
        return line.strip()

    def rest(self) -> str:
        """Return what the script still writes until it ends, which it must do without an error."""
        output, _ = self._process.communicate()
        code = self._process.returncode
        assert 0 == code, f"exit code {code}\n{output}{self._failure()}"
        return output

    def go_on(self) -> None:
        """Write the empty line that the script waits for."""
        self.write("")

    def write(self, line: str) -> None:
        """Write a line that the script waits for."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()

    def _failure(self) -> str:
        self._errors.seek(0)
        return self._errors.read()


@contextmanager
def running_script(
    script: str, *args: str, packages: tuple[str, ...], patience: float | None = PATIENCE
) -> Iterator[Script]:
    """Run a script for at most the length of the context.

    Args:
        script: name of a file in this folder.
        args: the script's own.
        packages: those of npm that it drives; without them the test skips, and fails in CI.
        patience: seconds after which it is killed; None: never.
    """
    for package in packages:
        if not (HERE / "node_modules" / package).exists():
            missing(f"the npm package {package}")
    with (
        TemporaryFile("w+") as errors,
        subprocess.Popen(
            [*MORTAL, require("node"), str(HERE / script), *args],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as process,
    ):
        deadline = Timer(patience, process.kill) if patience else None
        if deadline:
            deadline.start()
        try:
            yield Script(process, errors)
        finally:
            if deadline:
                deadline.cancel()
            process.kill()


def run_script(
    script: str, *args: str, packages: tuple[str, ...], patience: float = PATIENCE
) -> str:
    """Return what a script writes to its standard output; arguments as for `running_script`.

    Raises:
        AssertionError: it failed or took too long; the message holds what it wrote.
    """
    with running_script(script, *args, packages=packages, patience=patience) as run:
        return run.rest()


@contextmanager
def running_chromium() -> Iterator[str]:
    """Run one headless Chromium; yields its address, for scripts that open pages in it."""
    chromium = require("chromium")
    with running_script(
        "chromium.mjs", chromium, packages=("playwright-core",), patience=None
    ) as run:
        yield run.line()
        run.rest()  # its standard input ends with this
