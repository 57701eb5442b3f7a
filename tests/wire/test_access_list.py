"""Lists of info_hashes as text: all of it is right, or nothing of it counts."""

from base64 import b32encode
from collections.abc import Iterable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.errors import Malformed
from tracker.model import HASH_SIZE
from tracker.wire.access_list import LINE_MOST, TEXT_SPARE, ListReader

HASH = bytes(range(HASH_SIZE))
HEX = HASH.hex().encode()

hashes = st.binary(min_size=HASH_SIZE, max_size=HASH_SIZE)
blanks = st.sampled_from([b"", b" ", b"\t"])
comments = st.one_of(st.just(b""), st.binary(max_size=50).map(lambda text: b"#" + text))
forms = st.sampled_from(
    [bytes.hex, lambda hash_: hash_.hex().upper(), lambda h: (h + h).hex()[:64]]
)


def read(*pieces: bytes, most: int = 1000) -> bytes:
    reader = ListReader(most)
    for piece in pieces:
        reader.feed(piece)
    return b"".join(reader.finish())


def joined(entries: Iterable[bytes]) -> bytes:
    return b"".join(sorted(set(entries)))


@st.composite
def lines(draw: st.DrawFn, entry: bytes) -> bytes:
    """A line that holds the entry, somehow."""
    text = b32encode(entry) if draw(st.booleans()) else draw(forms)(entry).encode()
    comment = draw(comments).replace(b"\n", b"")
    return draw(blanks) + text + draw(blanks) + comment + draw(st.sampled_from([b"", b"\r"]))


@given(st.data(), st.lists(hashes))
def test_every_list_is_read_however_it_is_written_and_cut(
    data: st.DataObject, entries: list[bytes]
) -> None:
    written = [data.draw(lines(entry)) for entry in entries]
    for _ in range(data.draw(st.integers(0, 3))):
        at = data.draw(st.integers(0, len(written)))
        written.insert(at, data.draw(blanks) + data.draw(comments).replace(b"\n", b""))
    text = b"\n".join(written) + data.draw(st.sampled_from([b"", b"\n"]))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=5)))
    pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert joined(entries) == read(*pieces)


@given(st.lists(st.binary(max_size=60)))
def test_no_text_does_more_than_be_refused(pieces: list[bytes]) -> None:
    with suppress(Malformed):
        assert len(read(*pieces)) % HASH_SIZE == 0


def test_parts_come_sorted_and_each_entry_once() -> None:
    reader = ListReader(10)
    reader.feed(b"\n".join(entry.hex().encode() for entry in (b"\xff" * 20, HASH, bytes(20), HASH)))
    assert [bytes(20) + HASH, b"\xff" * 20] == list(reader.finish())


@pytest.mark.parametrize("text", [b"", b"\n\n", b"# nothing yet", b" \t\r\n#\n"])
def test_a_list_may_be_empty(text: bytes) -> None:
    assert b"" == read(text)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (b"nonsense", 1),
        (HEX + b"\n" + HEX[1:], 2),
        (HEX + b"\n\n# a comment\n" + HEX + HEX + b"\n" + HEX, 4),
        (HEX + b" " + HEX + b"\n", 1),
        (HEX + b",", 1),
        (b"magnet:?xt=urn:btih:" + HEX, 1),
        (b"<!DOCTYPE html>\n<p>Not found", 1),
        (HEX + b"\n\x1f\x8b\x08", 2),
        (b"\xef\xbb\xbf" + HEX, 1),
    ],
)
def test_one_bad_line_spoils_the_list_and_is_named(text: bytes, line: int) -> None:
    with pytest.raises(Malformed, match=rf"^line {line}: an info_hash has"):
        read(text)


def test_a_line_has_a_bound_also_where_it_never_ends() -> None:
    assert HASH == read(HEX + b"#" * (LINE_MOST - len(HEX)))
    long = HEX + b"\n" + HEX + b"#" * (LINE_MOST - len(HEX) + 1)
    for text in (long, long + b"\n"):
        with pytest.raises(Malformed, match="line 2: longer than 200 bytes"):
            read(text)
    reader = ListReader(1000)
    with pytest.raises(Malformed, match="line 2: longer"):
        reader.feed(long)


def test_entries_have_a_bound_and_repetitions_count() -> None:
    assert HASH == read(b"%b\n%b\n" % (HEX, HEX), most=2)
    with pytest.raises(Malformed, match="line 3: more than 2 entries"):
        read(b"%b\n" % HEX * 3, most=2)


def test_comments_have_a_bound() -> None:
    most = 3 * LINE_MOST + TEXT_SPARE
    line = b"#" * 99 + b"\n"
    fits = line * (most // len(line))
    assert b"" == read(fits, most=3)
    with pytest.raises(Malformed, match="too large for a list of at most 3 entries"):
        read(fits, line, most=3)
