"""What is relayed of offers, answers and ICE candidates: the fields that WebRTC defines.

The tracker does not understand them, and still does not relay any JSON. Clients take offers from
strangers, and some fail on JSON that they do not expect:

- libtorrent 2.1.1 closes its connection, on which it has all its torrents, when it receives an
  offer or answer without a string `sdp`, a message that is nested more than 32 levels deep, or half
  of a surrogate pair.
- The npm client of WebTorrent receives nothing more on its connection, until the page is reloaded,
  after an offer or answer whose `type` WebRTC does not know, or an answer that has fields of
  simple-peer, such as `transceiverRequest`.

So the tracker reads these fields and writes the objects itself. `sdp` reaches the other client
unchanged, but perhaps escaped differently.
"""

from typing import Annotated, TypeAlias

import msgspec
from msgspec import UNSET, Meta, Raw, UnsetType

from tracker.errors import Malformed

JsonText: TypeAlias = bytes  # a JSON value in UTF-8

_QUOTE = ord('"')


class Description(msgspec.Struct, gc=False):
    """An `RTCSessionDescriptionInit`. Its `type` follows from the message that carries it."""

    sdp: str


class _Candidate(
    msgspec.Struct,
    gc=False,
    rename={
        "sdp_mid": "sdpMid",
        "sdp_m_line_index": "sdpMLineIndex",
        "username_fragment": "usernameFragment",
    },
):
    """An `RTCIceCandidateInit`."""

    candidate: str
    sdp_mid: str | UnsetType | None = UNSET
    sdp_m_line_index: Annotated[int, Meta(ge=0, le=65535)] | UnsetType | None = UNSET
    username_fragment: str | UnsetType | None = UNSET


_description_decoder = msgspec.json.Decoder(Description)
_candidate_decoder = msgspec.json.Decoder(_Candidate)
_string_decoder = msgspec.json.Decoder(str)
_encode = msgspec.json.Encoder().encode


def encode_sdp(description: Description) -> JsonText:
    """Return the SDP of an offer or answer as a JSON string."""
    return _encode(description.sdp)


def read_answer(text: JsonText | Raw) -> JsonText:
    """Return the SDP of an answer, as `encode_sdp` does.

    Raises:
        Malformed: the answer is not an object with a string `sdp`.
    """
    try:
        return encode_sdp(_description_decoder.decode(text))
    except (ValueError, RecursionError) as error:  # msgspec's errors are ValueErrors
        raise Malformed("answer must be an object with a string sdp") from error


def read_candidate(text: JsonText | Raw) -> JsonText:
    """Return an ICE candidate with the fields that WebRTC defines.

    Raises:
        Malformed: it is not such an object.
    """
    try:
        return _encode(_candidate_decoder.decode(text))
    except (ValueError, RecursionError) as error:
        raise Malformed("candidate must be an RTCIceCandidateInit object") from error


def is_sdp(text: bytes) -> bool:
    """Return whether bytes can be relayed as the SDP of an offer or answer: a JSON string."""
    try:
        _string_decoder.decode(text)
    except ValueError:
        return False
    return text[0] == _QUOTE == text[-1]


def is_candidate(text: bytes) -> bool:
    """Return whether bytes can be relayed as an ICE candidate."""
    try:
        return text == read_candidate(text)
    except Malformed:
        return False
