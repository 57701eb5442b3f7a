"""Commands in Redis's own words."""

import hiredis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.store.resp import command


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("PING",), b"*1\r\n$4\r\nPING\r\n"),
        (("SELECT", 3), b"*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n"),
        (("AUTH", "naïve"), b"*2\r\n$4\r\nAUTH\r\n$6\r\nna\xc3\xafve\r\n"),
        (("ECHO", b""), b"*2\r\n$4\r\nECHO\r\n$0\r\n\r\n"),
        (("ECHO", b"\r\n\0\xff"), b"*2\r\n$4\r\nECHO\r\n$4\r\n\r\n\0\xff\r\n"),
    ],
)
def test_a_command_is_an_array_of_bulk_strings(
    words: tuple[bytes | str | int, ...], expected: bytes
) -> None:
    assert expected == command(*words)


@given(st.lists(st.binary() | st.text() | st.integers(), min_size=1))
def test_any_words_are_read_as_they_were(words: list[bytes | str | int]) -> None:
    reader = hiredis.Reader()
    reader.feed(command(*words))
    expected = [word if isinstance(word, bytes) else str(word).encode() for word in words]
    assert expected == reader.gets()
    assert not reader.has_data()
