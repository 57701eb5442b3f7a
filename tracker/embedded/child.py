"""Starts a program that must not outlive its parent. Run as a script: imports nothing of ours.

    python child.py exec PARENT_PID PROGRAM ARGUMENT…
    python child.py pipe PROGRAM ARGUMENT…

``exec`` (Linux): asks the kernel to kill this process when its parent is gone, then becomes the
program, so no process stays between. The kernel keeps the request across ``execv``.

``pipe`` (elsewhere): stays, runs the program as a child, and stops it when standard input ends,
which happens however the parent ends, since the parent alone holds the other side.
"""

import ctypes
import os
import resource
import signal
import subprocess
import sys
import threading

_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
_STOP_TIMEOUT_S = 3.0


def become(parent: int, command: list[str]) -> None:
    """Turn into `command`, to be killed when the thread of `parent` that started us ends."""
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != parent:  # it ended before the request was in place
        sys.exit("the parent is gone")
    os.execv(command[0], command)


def supervise(command: list[str]) -> int:
    """Run `command` until it ends, or standard input or a SIGTERM ends it; returns its code."""
    process: subprocess.Popen[bytes] | None = None
    told = False

    def pass_on(*_: object) -> None:
        nonlocal told
        told = True
        if process is not None:
            process.terminate()

    signal.signal(signal.SIGTERM, pass_on)
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    if told:  # while it was being started
        process.terminate()
    threading.Thread(target=_stop_at_end_of_input, args=(process,), daemon=True).start()
    return process.wait()


def _stop_at_end_of_input(process: subprocess.Popen[bytes]) -> None:
    while os.read(0, 4096):
        pass
    process.terminate()
    try:
        process.wait(_STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()


def main(arguments: list[str]) -> int:
    """See the head of this file."""
    os.umask(0o077)  # what the program writes is for this user only
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    mode, *rest = arguments
    if mode == "exec":
        become(int(rest[0]), rest[1:])
    return supervise(rest)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
