"""What is reported of servers that cannot be used, on both event loops."""

import asyncio
import errno
import ssl
from pathlib import Path

import pytest
import uvloop
from structlog.testing import capture_logs
from structlog.typing import EventDict

from tests.redis_servers import StartRedis, TlsFiles
from tests.redis_trouble import KINDS, Lab, Trouble, each_of
from tracker.metrics import Metrics
from tracker.settings import RedisSettings
from tracker.store.connect import connect
from tracker.store.reasons import CLOSED, TIMEOUT, Reason, describe, explain, reply_reason

SETTINGS = RedisSettings(timeout=1.0, reconnect_max=0.05)
RACES = {"no_client_certificate"}  # TLS's own alert, and the end of the connection
LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture
def lab(start_redis: StartRedis, tls_files: TlsFiles, tmp_path: Path) -> Lab:
    return Lab(start_redis, tls_files, tmp_path)


def sentence(line: EventDict) -> str:
    """What a command shows in place of a line of the log."""
    return describe(line["address"], Reason(line["error"], line.get("hint", "")))


async def troubled(url: str) -> tuple[str, list[EventDict]]:
    """What a command shows after the first attempt, and what is logged of the first three."""
    changed = asyncio.Event()
    redis = connect(url, SETTINGS, Metrics())
    redis.on_change(changed.set)
    shown = ""
    with capture_logs() as logs:
        await redis.start()
        for _ in range(3):
            changed.clear()
            await changed.wait()
            shown = shown or redis.trouble
        assert not redis.up
        await redis.close()
    return shown, logs


@each_of(KINDS)
@pytest.mark.parametrize("loop", LOOPS)
def test_one_line_names_the_address_and_what_is_wrong(
    trouble: Trouble, lab: Lab, loop: str
) -> None:
    with trouble.arranged(lab) as url, asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        shown, logs = runner.run(troubled(url))
    logs = [line for line in logs if line["log_level"] not in ("debug", "info")]
    assert {"redis.away"} == {line["event"] for line in logs}
    lines = {line["error"]: line for line in logs}
    assert len(lines) == len(logs)  # each reason once
    assert 1 == len(lines) or trouble.name in RACES
    (line,) = [line for error, line in lines.items() if trouble.text in error]
    assert trouble.hint in line.get("hint", "")
    assert shown in {sentence(line) for line in logs}
    addresses = line["address"].partition("/")[0] if "+" in url else line["address"]
    assert all(address in url for address in addresses.split(","))
    assert "secret" not in str(logs)


def test_the_errors_of_several_addresses_of_a_name_are_one_reason() -> None:
    text = "Multiple exceptions: [Errno 111] Connect call failed ('::1', 1, 0, 0), [Errno 111] …"
    assert explain(ConnectionRefusedError(errno.ECONNREFUSED, "x"), tls=False) == explain(
        OSError(text), tls=False
    )


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (OSError(errno.EHOSTUNREACH, "x"), "no route to host"),
        (TimeoutError(errno.ETIMEDOUT, "x"), "connection timed out"),
        (OSError("\x1b[2J"), r"\x1b[2J"),
        (ValueError(), "ValueError"),
        (ssl.SSLError(1, "\x1b[2J"), r"the TLS handshake failed: \x1b[2J"),
    ],
)
def test_any_other_error_is_named(error: Exception, text: str) -> None:
    assert text == explain(error, tls=False).text


def test_a_broken_connection_is_a_closed_one() -> None:
    assert CLOSED == explain(ConnectionResetError(), tls=True)


def test_tls_is_suggested_where_it_may_be_the_cause() -> None:
    assert TIMEOUT == explain(TimeoutError(), tls=False)
    assert "redis://" in explain(TimeoutError(), tls=True).hint


def test_an_error_reply_is_shown_whole_and_cannot_control_a_terminal() -> None:
    assert r"ERR \x1b[2J" == reply_reason("ERR \x1b[2J").text
    assert "" == reply_reason("").text
