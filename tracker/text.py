"""Text from outside, made fit for a terminal."""

CUT = "…"


def printable(text: str, most: int = 200) -> str:
    r"""Return `text` without characters that could control a terminal, at most `most` long.

    Control characters, escapes, bidirectional overrides, line breaks and lone surrogates become
    visible escapes such as ``\x1b``.
    """
    if len(text) > most:
        text = text[: most - 1] + CUT
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else _escaped(each) for each in text)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode()
