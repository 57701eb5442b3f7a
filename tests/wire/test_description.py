"""What is relayed of offers, answers and candidates: known fields, in JSON that harms no client."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.errors import Malformed
from tracker.wire.description import is_candidate, is_sdp, read_answer, read_candidate

CANDIDATE = {"candidate": "candidate:1 1 udp 1 192.0.2.1 5 typ host", "sdpMid": "0"}
SURROGATES = st.characters(categories=["Cs"])

texts = st.text() | st.text(st.characters() | SURROGATES)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)
objects = st.dictionaries(
    st.sampled_from(["type", "sdp", "candidate", "sdpMid", "sdpMLineIndex", "usernameFragment"])
    | texts,
    texts | st.integers(-1, 65536) | anything,
)


@given(objects)
def test_an_answer_is_relayed_as_its_sdp_alone(answer: dict[str, object]) -> None:
    with suppress(Malformed):
        sdp = read_answer(json.dumps(answer).encode())
        assert answer["sdp"] == json.loads(sdp.decode())  # which fails on surrogates
        assert is_sdp(sdp)


@given(objects)
def test_a_candidate_is_relayed_with_known_fields_of_known_types(
    candidate: dict[str, object],
) -> None:
    with suppress(Malformed):
        relayed = read_candidate(json.dumps(candidate).encode())
        assert is_candidate(relayed)
        fields = json.loads(relayed.decode())
        assert fields.items() <= candidate.items()
        assert fields.keys() <= {"candidate", "sdpMid", "sdpMLineIndex", "usernameFragment"}
        assert all(value is None or isinstance(value, str | int) for value in fields.values())


@pytest.mark.parametrize(
    "candidate",
    [
        {"candidate": ""},
        CANDIDATE,
        CANDIDATE | {"sdpMLineIndex": 0, "usernameFragment": "abcd"},
        CANDIDATE | {"sdpMid": None, "sdpMLineIndex": 65535, "usernameFragment": None},
    ],
)
def test_candidates_of_browsers_are_relayed_unchanged(candidate: dict[str, object]) -> None:
    assert candidate == json.loads(read_candidate(json.dumps(candidate).encode()))


@pytest.mark.parametrize(
    "candidate",
    [
        None,
        "",
        [],
        {},
        {"candidate": None},
        {"candidate": "\ud800"},
        CANDIDATE | {"sdpMid": 0},
        CANDIDATE | {"sdpMLineIndex": -1},
        CANDIDATE | {"sdpMLineIndex": 65536},
        CANDIDATE | {"sdpMLineIndex": "0"},
        CANDIDATE | {"usernameFragment": {}},
    ],
)
def test_other_candidates_are_malformed(candidate: object) -> None:
    with pytest.raises(Malformed, match="RTCIceCandidateInit"):
        read_candidate(json.dumps(candidate).encode())


@pytest.mark.parametrize(
    "answer",
    [None, "v=0", [], {}, {"sdp": None}, {"sdp": 5}, {"sdp": {}}, {"sdp": "v=0\ud800"}],
)
def test_other_answers_are_malformed(answer: object) -> None:
    with pytest.raises(Malformed, match="answer must be an object with a string sdp"):
        read_answer(json.dumps(answer).encode())


def test_other_fields_are_left_out_however_deep() -> None:
    answer = b'{"sdp":"x","x":%b%b,"n":1e999999,"sdp":"\\u0076=0"}' % (b"[" * 500, b"]" * 500)
    assert b'"v=0"' == read_answer(answer)


@pytest.mark.parametrize("text", [b"", b"[" * 100_000, b'{"sdp":"v=0","x":' + b"[" * 30_000])
def test_text_that_is_not_json_is_malformed(text: bytes) -> None:
    for read in read_answer, read_candidate:
        with pytest.raises(Malformed):
            read(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b'""', True),
        ('"é\\u0000\\""'.encode(), True),
        (b"", False),
        (b'"', False),
        (b'"a', False),
        (b'"a" ', False),
        (b' "a"', False),
        (b'"a","b"', False),
        (b'"\xff"', False),
        (rb'"\ud800"', False),
        (b"1", False),
        (b"{}", False),
    ],
)
def test_an_sdp_is_recognized(text: bytes, expected: bool) -> None:
    assert expected is is_sdp(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b'{"candidate":"","sdpMid":null}', True),
        (b"", False),
        (b"{}", False),
        (b'{"candidate":""} ', False),
        (b'{"candidate":"","x":1}', False),
        (b'{"candidate":"\xff"}', False),
        (b'{"candidate":"\\ud800"}', False),
        (b'{"a":' * 100_000 + b"}", False),
    ],
)
def test_a_candidate_is_recognized(text: bytes, expected: bool) -> None:
    assert expected is is_candidate(text)
