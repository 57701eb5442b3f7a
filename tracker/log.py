"""Logs: one line an event on standard error, for people or as JSON.

On a terminal events are sentences instead: see `tracker.log_terminal`.

``2026-11-22T21:00:00Z info redis.up address=127.0.0.1:6379``

Our events are named place.what, their facts are fields: ``log.info("redis.up", address=at)`` with
``log = structlog.get_logger()``. What libraries log through `logging` becomes an event of the
logger's name with the text as its field `message`; so do Python's warnings, and exceptions that
asyncio found nobody to handle.
"""

import json
import logging
import os
import re
import sys
from typing import Final

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from tracker.log_terminal import TerminalRenderer
from tracker.terminal import Terminal

_PLAIN: Final = re.compile(r"[!#-<>-\[\]-~]+")  # printable ASCII but space, quote, "=", backslash


def configure(level: str, json_lines: bool) -> None:
    """Set this process's logging up; may be called again.

    Args:
        level: debug, info, warning or error: the least that is logged. Libraries are heard from
            warning on, or at all levels with debug: their info names the addresses of peers.
        json_lines: JSON objects instead of text, on a terminal too.
    """
    least = logging.getLevelNamesMapping()[level.upper()]
    foreign = least if least == logging.DEBUG else max(least, logging.WARNING)
    logging.basicConfig(level=foreign, handlers=[_handler(json_lines)], force=True)
    logging.captureWarnings(True)
    own = logging.getLogger("tracker")
    own.setLevel(least)
    structlog.configure(
        processors=[structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(least),
        logger_factory=lambda *_: own,
        cache_logger_on_first_use=False,  # loggers are made at import, before this call
    )


def _handler(json_lines: bool) -> logging.Handler:
    """The way of every record to its line."""
    render: Processor = structlog.processors.JSONRenderer() if json_lines else _render
    time = structlog.processors.TimeStamper(fmt="%Y-%m-%dT%H:%M:%SZ", utc=True, key="time")
    if not json_lines and sys.stderr.isatty():
        render = TerminalRenderer(Terminal(sys.stderr, os.environ))
        time = structlog.processors.TimeStamper(fmt="%H:%M:%S", utc=False, key="time")
    common: list[Processor] = [
        structlog.stdlib.add_log_level,
        time,
        structlog.processors.format_exc_info,
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        _order,
        render,
    ]
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[_name_foreign], processors=common
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    return handler


def _name_foreign(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    record: logging.LogRecord = event["_record"]
    return {**event, "event": record.name, "message": event["event"]}


def _order(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    head = {key: event.pop(key) for key in ("time", "level", "event")}
    return {**head, **event}


def _render(_: WrappedLogger, __: str, event: EventDict) -> str:
    time, level, name, *facts = event.items()
    head = (time[1], level[1], _quote(name[1]))
    return " ".join([*head, *(f"{_quote(key)}={_quote(value)}" for key, value in facts)])


def _quote(value: object) -> str:
    """Text that has no space, no line break and no doubt where it ends."""
    text = str(value)
    return text if _PLAIN.fullmatch(text) else json.dumps(text)
