"""Commands in Redis's own words (RESP), as bytes ready to send."""


def command(*words: bytes | str | int) -> bytes:
    """One command: an array of bulk strings."""
    parts = [b"*%d\r\n" % len(words)]
    for word in words:
        text = word if isinstance(word, bytes) else str(word).encode()
        parts.append(b"$%d\r\n%b\r\n" % (len(text), text))
    return b"".join(parts)
