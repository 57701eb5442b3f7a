"""Strict decoding of bencoded data."""

from contextlib import suppress

import bencodepy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.errors import Malformed
from tracker.wire.bencode import decode, decode_dictionary

values = st.recursive(
    st.integers() | st.binary(),
    lambda below: st.lists(below) | st.dictionaries(st.binary(), below),
    max_leaves=20,
)


@given(values)
def test_values_survive_a_round_trip(value: object) -> None:
    assert value == decode(bencodepy.encode(value))


@given(st.dictionaries(st.binary(), values))
def test_each_value_of_a_dictionary_comes_with_its_own_bytes(value: dict[bytes, object]) -> None:
    assert {
        key: (each, bencodepy.encode(each)) for key, each in value.items()
    } == decode_dictionary(bencodepy.encode(value))


def test_keys_in_any_order_are_read() -> None:
    assert {b"b": (1, b"i1e"), b"a": (2, b"i2e")} == decode_dictionary(b"d1:bi1e1:ai2ee")


@pytest.mark.parametrize(
    "data", [b"", b"-1:x", b"d-1:xi1ee", b"9:short", b"d", b"l" * 10_000, b"i1e?", b"3"]
)
def test_other_bytes_are_malformed(data: bytes) -> None:
    with pytest.raises(Malformed):
        decode(data)


@pytest.mark.parametrize("data", [b"le", b"i1e", b"1:x"])
def test_another_value_is_not_a_dictionary(data: bytes) -> None:
    with pytest.raises(Malformed):
        decode_dictionary(data)


@given(st.binary(max_size=100))
def test_any_bytes_decode_or_are_malformed(data: bytes) -> None:
    with suppress(Malformed):
        decode_dictionary(data)
