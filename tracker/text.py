"""Text for people: from outside, made fit for a terminal, and suggestions for misspelled names."""

from collections.abc import Collection
from difflib import get_close_matches

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


def did_you_mean(name: str, known: Collection[str]) -> str:
    """Return a remark that suggests the known name that is most like `name`; empty if none is."""
    near = get_close_matches(name, known, 1)
    return f" (did you mean {near[0]}?)" if near else ""


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode()
