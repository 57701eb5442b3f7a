"""A test that hangs fails, and the run goes on: pytest-timeout's settings, with another alarm.

pytest-timeout has two alarms. Its thread ends the whole process. Its signal handler raises an
exception once, for setup, call and teardown together; event loops log the exception and continue,
and a teardown that hangs after a failure has no limit.

Here each of setup, call and teardown has the whole time. The handler's exception leaves event
loops, and is repeated. Code that no signal can interrupt ends its process; pytest-xdist starts
another process.
"""

import asyncio
import faulthandler
import os
import signal
import sys
from collections.abc import Generator

import pytest
from _pytest.outcomes import OutcomeException
from pytest_timeout import Settings, is_debugging

AGAIN_S = 10.0  # from one alarm to the next, while the cleanup of the test hangs as well
END_S = 60.0  # from the first alarm to the end of the process

_seconds = pytest.StashKey[float]()
_stderr = pytest.StashKey[int]()


class Hung(OutcomeException, KeyboardInterrupt):
    """A test that takes too long.

    Event loops pass on a KeyboardInterrupt and no other exception of a callback. pytest takes an
    OutcomeException of a fixture for its failure, and goes on with the other fixtures.
    """


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_stderr] = os.dup(2)  # not yet captured


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """End the process, too, if the interpreter waits for a thread that a test left behind."""
    faulthandler.dump_traceback_later(END_S, exit=True, file=config.stash[_stderr])


def pytest_timeout_set_timer(item: pytest.Item, settings: Settings) -> bool:
    """Note the limit, in place of pytest-timeout's alarm."""
    item.stash[_seconds] = settings.timeout
    return True


def pytest_timeout_cancel_timer() -> bool:
    """Do nothing: each phase cancels its own alarm."""
    return True


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, None, None]:
    yield from _limited(item)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    yield from _limited(item)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, None, None]:
    yield from _limited(item)


def _limited(item: pytest.Item) -> Generator[None, None, None]:
    """Run one phase of a test within its limit."""
    seconds = item.stash.get(_seconds, None)
    if seconds is None:  # --timeout=0
        yield
        return
    running = True

    def interrupt(*_: object) -> None:
        if running and not is_debugging():
            _print_tasks()
            raise Hung(f"hangs: it takes more than {seconds:g} s")

    signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN_S)
    faulthandler.dump_traceback_later(seconds + END_S, exit=True, file=item.config.stash[_stderr])
    try:
        try:
            yield
        finally:
            running = False
    except Hung as hung:
        pytest.fail(str(hung))
    finally:
        faulthandler.cancel_dump_traceback_later()
        signal.setitimer(signal.ITIMER_REAL, 0)


def _print_tasks() -> None:
    """Print where the tasks of the running event loop wait: the exception only shows the loop."""
    try:
        tasks = asyncio.all_tasks()
    except RuntimeError:  # there is no loop
        return
    for task in tasks:
        task.print_stack(file=sys.stderr)
