"""Commands in Redis's own words (RESP), as bytes ready to send."""

from typing import TypeAlias

Word: TypeAlias = bytes | str | int


def command(*words: Word) -> bytes:
    """One command: an array of bulk strings."""
    parts = [b"*%d\r\n" % len(words)]
    for word in words:
        text = word if isinstance(word, bytes) else str(word).encode()
        parts.append(b"$%d\r\n%b\r\n" % (len(text), text))
    return b"".join(parts)
