"""``tracker forward`` as a process."""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from tests.tools import MORTAL

COMMAND = (*MORTAL, sys.executable, "-m", "tracker", "forward", "--host", "127.0.0.1")


class ForwarderProcess(NamedTuple):
    """A running forwarder."""

    process: subprocess.Popen[str]
    port: int
    admin_url: str

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self.process.pid


@contextmanager
def running_forwarder(to: str) -> Iterator[ForwarderProcess]:
    """A forwarder that sends to `to`, a host and port."""
    with subprocess.Popen(
        [*COMMAND, "--port", "0", "--admin", "127.0.0.1:0", "--to", to],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # without the terminal of the tests
    ) as process:
        try:
            assert process.stdout
            ready = re.fullmatch(r"ready udp=(\d+) admin=(\d+)\n", process.stdout.readline())
            assert ready
            yield ForwarderProcess(process, int(ready[1]), f"http://127.0.0.1:{ready[2]}")
        finally:
            process.kill()
