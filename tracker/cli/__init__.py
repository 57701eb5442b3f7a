"""The ``tracker`` command.

Exit codes: 0 after success, 2 for bad usage or settings, 1 otherwise.
"""

import os
import sys
from collections.abc import Sequence

from tracker.cli.parsing import load, parse


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; `argv` without the program's name, None: that of the process.

    Raises:
        SystemExit: from argparse, for ``--help``, ``--version`` and usage errors (2).
    """
    try:  # parsing imports the command's module, which takes long enough for a Ctrl-C
        arguments = parse(sys.argv[1:] if argv is None else argv)
        code = load(arguments.command).run(arguments) if arguments else 0
        sys.stdout.flush()  # here, where a closed pipe can be dealt with
    except KeyboardInterrupt:
        return 1
    except BrokenPipeError:
        # The reader has left. What is unsent must not fail again when the interpreter exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return code
