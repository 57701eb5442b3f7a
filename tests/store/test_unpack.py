"""Whatever stands in Redis, it is read, or left to another version, or one clear error."""

import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.model import Point, Snapshot
from tracker.store.unpack import MOST, unpacked

POINT = Point(1_800_000_000, 1, 2, 3, 4, 5, 6, {"http": 1.5})


def packed(value: object) -> bytes:
    return msgspec.msgpack.encode(value)


def test_what_was_packed_is_unpacked() -> None:
    assert POINT == unpacked(packed(POINT), Point)


@pytest.mark.parametrize("value", [POINT[:3], [*POINT, 8], {"at": 1}, ["x", *POINT[1:]]])
def test_the_shape_of_another_version_is_no_damage(value: object) -> None:
    assert None is unpacked(packed(value), Point)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"garbage",
        b"\x91" * 100_000,  # nested deeply
        b"\xdd\xff\xff\xff\xff",  # an array of four thousand million
        b"\xdb\xff\xff\xff\xff",  # a text of as many bytes
        b"\xdf\xff\xff\xff\xff\x01",
        packed(POINT)[:-3],
        packed(POINT) + b"\x00",
        packed("text"),
        packed(POINT._replace(at=-1)),
        packed(POINT._replace(swarms=MOST + 1)),
        packed(POINT._replace(rates={"http": math.nan})),
        packed(POINT._replace(rates={"http": math.inf})),
        packed(POINT).replace(b"http", b"\xff\xfe\xfd\xfc"),
    ],
)
def test_anything_else_is_a_clear_error(data: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        unpacked(data, Point)


@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_else(data: bytes) -> None:
    try:
        unpacked(data, Snapshot)
    except ValueError:
        return
