"""One line an event."""

import asyncio
import json
import logging
import re
import subprocess
import sys
import warnings

import pytest
import structlog

from tracker import log

TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"


pytestmark = pytest.mark.usefixtures("logging_as_before")


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """What was logged, without the time; that must be there."""
    captured = capsys.readouterr()
    assert captured.out == ""
    return [re.sub(f"^{TIME} ", "", line) for line in captured.err.splitlines()]


def test_an_event_is_a_line_of_time_level_name_and_facts(
    capsys: pytest.CaptureFixture[str],
) -> None:
    log.configure("info", json_lines=False)
    structlog.get_logger().info("udp.ready", port=8000, address="[::1]:8000")
    line = capsys.readouterr().err
    assert re.fullmatch(rf"{TIME} info udp\.ready port=8000 address=\[::1\]:8000\n", line)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("two words", '"two words"'),
        ("a\nb\r\x85\u2028", '"a\\nb\\r\\u0085\\u2028"'),
        ('say "hi"', '"say \\"hi\\""'),
        ("a=b", '"a=b"'),
        ("", '""'),
        ("\x1b[31m", '"\\u001b[31m"'),
        (b"raw", "b'raw'"),
        (None, "None"),
    ],
)
def test_no_value_breaks_the_line(
    capsys: pytest.CaptureFixture[str], value: object, text: str
) -> None:
    log.configure("info", json_lines=False)
    structlog.get_logger().info("a.b", value=value)
    assert [f"info a.b value={text}"] == lines(capsys)


def test_json_lines_begin_with_time_level_and_event(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure("info", json_lines=True)
    structlog.get_logger().warning("a.b", text="x\ny", number=1, raw=b"\xff")
    (line,) = capsys.readouterr().err.splitlines()
    event = json.loads(line)
    assert ["time", "level", "event", "text", "number", "raw"] == list(event)
    assert re.fullmatch(TIME, event.pop("time"))
    facts = {"level": "warning", "event": "a.b", "text": "x\ny", "number": 1, "raw": "b'\\xff'"}
    assert facts == event


def test_events_below_the_level_are_dropped(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure("warning", json_lines=False)
    logger = structlog.get_logger()
    logger.info("a.b")
    logger.error("a.c")
    assert ["error a.c"] == lines(capsys)


def test_a_logger_made_before_obeys_the_last_configuration(
    capsys: pytest.CaptureFixture[str],
) -> None:
    logger = structlog.get_logger("any.name")
    log.configure("error", json_lines=True)
    log.configure("debug", json_lines=False)
    logger.debug("a.b")
    assert ["debug a.b"] == lines(capsys)


def test_libraries_are_heard_from_warning_on(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure("info", json_lines=False)
    logging.getLogger("aiohttp.access").info("192.0.2.1 GET /")
    logging.getLogger("websockets.server").warning("two\n%s", "lines")
    assert ['warning websockets.server message="two\\nlines"'] == lines(capsys)


def test_debug_lets_libraries_speak(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure("debug", json_lines=False)
    logging.getLogger("some.library").debug("hello")
    assert ["debug some.library message=hello"] == lines(capsys)


def test_an_exception_is_a_field(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure("info", json_lines=False)
    try:
        raise ValueError("first\nsecond")
    except ValueError:
        structlog.get_logger().exception("a.failed", part=1)
    (line,) = lines(capsys)
    assert line.startswith('error a.failed part=1 exception="Traceback (most recent')
    assert line.endswith('ValueError: first\\nsecond"')


def test_warnings_are_events(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure("info", json_lines=False)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(True)
        warnings.warn("careful", stacklevel=1)
    (line,) = lines(capsys)
    assert line.startswith("warning py.warnings message=")
    assert "careful" in line


async def test_an_exception_that_nobody_handles_is_one_event(
    capsys: pytest.CaptureFixture[str],
) -> None:
    log.configure("info", json_lines=False)

    def fail() -> None:
        raise ValueError("unforeseen")

    asyncio.get_running_loop().call_soon(fail)
    await asyncio.sleep(0)  # the turn in which it runs
    (line,) = lines(capsys)
    assert line.startswith('error asyncio message="Exception in callback')
    assert line.endswith('ValueError: unforeseen"')


def test_a_whole_process_logs_nothing_but_such_lines() -> None:
    """The same as above without pytest's own handling of warnings and exceptions."""
    program = """
import asyncio, warnings
from tracker import log

async def main():
    asyncio.get_running_loop().call_soon(lambda: 1 / 0)
    await asyncio.sleep(0)
    warnings.warn("careful")
    future = asyncio.get_running_loop().create_future()
    future.set_exception(ValueError("lost"))
    del future

log.configure("info", json_lines=True)
asyncio.run(main())
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    events = [json.loads(line) for line in done.stderr.splitlines()]
    assert ["asyncio", "py.warnings", "asyncio"] == [event["event"] for event in events]
    assert "ZeroDivisionError" in events[0]["exception"]
    assert "ValueError: lost" in events[2]["exception"]
