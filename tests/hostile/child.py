"""Functions of the tests that run in processes of their own, so that they share no event loop.

    attack = Child(streams.run, port=8000, seconds=4.0)
    await attack.begun()
    report = await attack.result()

The function gets its arguments as JSON on standard input, prints one line of JSON per value that it
reports, and ends when its work is done or when standard input is closed.
"""

import asyncio
import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable
from importlib import import_module

from tests.tools import MORTAL

BEGIN_S = 20.0  # longest time until a child has opened its sockets
STOP_S = 10.0
ATTACKER_NICE = 5  # the tracker and the good clients go first


class Child:
    """A process that runs one function of a module of the tests."""

    def __init__(
        self, function: Callable[..., None], *, nice: int = ATTACKER_NICE, **arguments: object
    ) -> None:
        """Start the process; `arguments` must be representable in JSON."""
        self._name = f"{function.__module__}:{function.__name__}"
        self._process = subprocess.Popen(
            [*MORTAL, sys.executable, "-m", "tests.hostile.child", self._name, str(nice)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True, name=self._name)
        self._reader.start()
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(arguments, ensure_ascii=False) + "\n")
        self._process.stdin.flush()

    async def begun(self) -> None:
        """Return once the function has called `begun`."""
        assert "begun" == await self._next(BEGIN_S)

    async def result(self, seconds: float) -> dict[str, int]:
        """Return what the function reports at its end, which must come within `seconds`."""
        result = await self._next(seconds)
        self.stop()
        assert isinstance(result, dict)
        return result

    def reported(self) -> list[object]:
        """Return the values that the function has reported since the last call."""
        values = []
        while not self._lines.empty():
            values.append(self._value(self._lines.get()))
        return values

    def stop(self) -> None:
        """Close its standard input, and wait for its end."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            code = self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        self._reader.join()
        self._process.stdout.close()
        assert code == 0, f"{self._name} ended with exit code {code}"

    def kill(self) -> None:
        """End it at once. Does nothing if it has ended."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line)
        self._lines.put("")

    async def _next(self, seconds: float) -> object:
        try:
            line = await asyncio.to_thread(self._lines.get, timeout=seconds)
        except queue.Empty:
            raise AssertionError(f"{self._name} reported nothing for {seconds} s") from None
        return self._value(line)

    def _value(self, line: str) -> object:
        assert line, f"{self._name} ended too early"
        value: object = json.loads(line)
        return value


# -- in the child ----------------------------------------------------------------------------------


def report(value: object) -> None:
    """Report a value to the process that started this one."""
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


def begun() -> None:
    """Report that the sockets are open and that the attack begins now."""
    report("begun")


def main() -> None:
    """Run the function that the command line names."""
    module, _, function = sys.argv[1].partition(":")
    os.nice(int(sys.argv[2]))
    arguments = json.loads(sys.stdin.readline())
    getattr(import_module(module), function)(**arguments)


if __name__ == "__main__":
    main()
