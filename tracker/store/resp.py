"""Commands in Redis's own words (RESP), as bytes ready to send."""

from collections.abc import Sequence
from typing import TypeAlias

import hiredis

Word: TypeAlias = bytes | str | int


def command(*words: Word) -> bytes:
    """One command: an array of bulk strings."""
    parts = [b"*%d\r\n" % len(words)]
    for word in words:
        text = word if isinstance(word, bytes) else str(word).encode()
        parts.append(b"$%d\r\n%b\r\n" % (len(text), text))
    return b"".join(parts)


def split(commands: bytes) -> list[list[bytes]]:
    """The words of each of some encoded commands: they look like replies."""
    reader = hiredis.Reader()
    reader.feed(commands)
    found = []
    while (words := reader.gets()) is not False:
        found.append(words)
    return found


def key_of(words: Sequence[bytes]) -> bytes | None:
    """The first key of a command, or of those that we use; None: it has none."""
    match words:
        case [b"EVAL", _, b"0", *_]:
            return None
        case [b"EVAL", _, _, key, *_]:
            return key
        case [b"SCAN", *_] | [_]:
            return None
        case [_, key, *_]:
            return key
    return None
