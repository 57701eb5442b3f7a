"""An info_hash as people write it."""

from base64 import b32encode
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.errors import Malformed
from tracker.model import HASH_SIZE
from tracker.wire.info_hash import read_info_hash

HASH = bytes(range(HASH_SIZE))


@given(st.binary(min_size=32, max_size=32))
def test_every_info_hash_is_read_in_each_form_as_text_and_as_bytes(longer: bytes) -> None:
    info_hash = longer[:HASH_SIZE]
    base32 = b32encode(info_hash).decode()
    hexes = (info_hash.hex(), info_hash.hex().upper(), longer.hex())
    for text in (*hexes, base32, base32.lower()):
        assert info_hash == read_info_hash(text)
        assert info_hash == read_info_hash(text.encode())


@pytest.mark.parametrize(
    "text",
    [
        "",
        HASH.hex()[1:],
        HASH.hex() + "00",
        HASH.hex()[:-1] + "g",
        "aa " * 13 + "a",  # 40 characters, with spaces that some decoders skip
        "é" * 40,
        "1" * 32,  # not a digit of base32
        "A" * 26 + "======",  # 16 bytes, padded
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    for written in (text, text.encode()):
        with pytest.raises(Malformed, match="40 or 64 hex digits, or 32 of base32"):
            read_info_hash(written)


@given(st.one_of(st.text(), st.binary(max_size=80)))
def test_no_text_does_more_than_be_refused(text: str | bytes) -> None:
    with suppress(Malformed):
        assert HASH_SIZE == len(read_info_hash(text))
