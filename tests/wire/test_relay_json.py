"""JSON texts that are relayed byte for byte are recognized as such."""

import pytest

from tracker.wire.relay import is_json_object, is_json_string


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"{}", True),
        ('{"é":[1.5e3,null,{"\\u0000":true}]}'.encode(), True),
        (b"", False),
        (b"{", False),
        (b"[]", False),
        (b"{}{}", False),
        (b"{} ", False),
        (b" {}", False),
        (b'{"a":"\n"}', False),
        (b'{"\xff":1}', False),
        (b'{"a":' * 100_000 + b"}", False),
    ],
)
def test_a_json_object_is_recognized(text: bytes, expected: bool) -> None:
    assert expected is is_json_object(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b'""', True),
        ('"é\\u0000\\""'.encode(), True),
        (b"", False),
        (b'"', False),
        (b'"a', False),
        (b'"a" ', False),
        (b'"a","b"', False),
        (b'"\xff"', False),
        (b"1", False),
    ],
)
def test_a_json_string_is_recognized(text: bytes, expected: bool) -> None:
    assert expected is is_json_string(text)
