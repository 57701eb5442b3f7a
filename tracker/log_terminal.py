"""Events as sentences, for a person at a terminal.

``21:00:07  warning: Redis at 127.0.0.1:6379 cannot be used: connection refused``

An event without a sentence of its own keeps its name and its fields.
"""

import textwrap
from collections.abc import Mapping
from string import Formatter
from typing import Final

from structlog.typing import EventDict, WrappedLogger

from tracker.terminal import RED, YELLOW, Terminal
from tracker.text import printable

SENTENCES: Final = {
    "access.changed": "The access list {list} has changed",
    "access.closed": "The access list {list} cannot be read: no torrent is allowed",
    "access.published": "The access list {list} has {entries} entries",
    "access.refused": "The access list {list} cannot be used: {error}",
    "admin.moved": "The admin port is {port} instead of the default: {reason}",
    "browsers.staying": "{number} browsers stay connected, for at most {longest_s} s",
    "child.died": "Process {pid} ended with code {code}",
    "child.restarted": "Process {pid} replaces it",
    "embedded_redis.died": "The private Redis ended with code {code}; it is started again",
    "embedded_redis.not_kept": "The swarms will not be saved in {directory}: {reason}",
    "embedded_redis.not_loaded": "The saved swarms cannot be loaded, see {file}: {error}",
    "embedded_redis.not_saved": "The swarms were not saved in {directory}: {error}",
    "embedded_redis.saved": "The swarms were saved in {directory}",
    "embedded_redis.restarted": "The private Redis runs again; peers return as they announce",
    "embedded_redis.restart_failed": "The private Redis does not start: {error}",
    "embedded_redis.said": "The private Redis reports: {line}",
    "frontend.buried": "Dead frontends were removed",
    "proxy.unnamed": "The trusted proxy {address} does not name the client",
    "redis.away": "Redis at {address} cannot be used: {error}",
    "redis.eviction": "Redis at {address} has no limit of memory, or an unsuitable policy",
    "redis.lost": "The connection to Redis at {address} broke and was replaced: {error}",
    "redis.refused": "Redis at {address} refused a request: {error}",
    "redis.room": "The room for new peers in Redis at {address} is {room}",
    "redis.up": "Redis at {address} can be used",
    "tcp.accept_failed": "The system refused a connection: {error}",
    "tls.failed": "The certificate cannot be used: {error}",
    "tls.reload_failed": "The new certificate {cert} cannot be used, the old one stays: {error}",
    "tls.reloaded": "The certificate {cert} was read again",
    "tracker.draining": "Stopping once requests in flight are answered; Ctrl-C stops at once",
    "tracker.failed": "The tracker cannot run: {error}",
    "tracker.few_files": "The limit of open files allows {max_connections} connections",
    "tracker.little_memory": "The memory allows {max_connections} TLS connections",
    "tracker.stopped": "Stopped",
    "tracker.unlisted": "`tracker status` cannot find this tracker: {error}",
    "udp.restrained": "The kernel holds back datagrams of {addresses} addresses that flood",
}
HEAD: Final = ("time", "level", "event")
INDENT: Final = " " * len("21:00:07  ")
LONGEST: Final = 1000  # characters of a value
COLOURS: Final = {"warning": YELLOW, "error": RED, "critical": RED}


class TerminalRenderer:
    """A processor of structlog that makes the text of an event."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal

    def __call__(self, _: WrappedLogger, __: str, event: EventDict) -> str:
        """Return one event, wrapped to the width of the terminal.

        It begins with a carriage return, so that it overwrites the ``^C`` that a terminal shows.
        """
        level = str(event["level"])
        traceback = event.pop("exception", None)
        text = sentence(event)
        if level in COLOURS:
            text = f"{level}: {text}"
        wrapped = textwrap.wrap(
            text,
            self._terminal.width - len(INDENT) - 1,
            break_long_words=False,
            break_on_hyphens=False,
        )
        if traceback is not None:
            wrapped += [printable(line, LONGEST) for line in str(traceback).splitlines()]
        painted = [self._terminal.paint(line, COLOURS.get(level, "")) for line in wrapped]
        return f"\r{event['time']}  " + f"\n{INDENT}".join(painted)


def sentence(event: Mapping[str, object]) -> str:
    """Return the text of an event, without the time and the level."""
    facts = {
        name: printable(str(value), LONGEST) for name, value in event.items() if name not in HEAD
    }
    template = SENTENCES.get(str(event["event"]))
    if template is None:
        fields = (f"{name}={value}" for name, value in facts.items())
        return " ".join([printable(str(event["event"]), LONGEST), *fields])
    named = {name for _, name, _, _ in Formatter().parse(template) if name}
    text = template.format_map({name: facts.get(name, "?") for name in named})
    if "for_s" in facts:
        text += f", for {facts['for_s']} s"
    if "after_s" in facts:
        text += f", after {facts['after_s']} s"
    hint = facts.get("hint", "")
    return f"{text}. {hint[:1].upper()}{hint[1:]}." if hint else f"{text}."
