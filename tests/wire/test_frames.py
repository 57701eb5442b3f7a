"""Borders of WebSocket frames."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.server import ServerProtocol

from tracker.wire.frames import portion, text_frame, whole_message

PING = Frame(Opcode.PING, b"").serialize(mask=True)  # 6 bytes
TEXT = Frame(Opcode.TEXT, b"{}").serialize(mask=True)  # 8 bytes


def test_a_portion_has_a_few_frames() -> None:
    assert (6 * 16, 16, 0) == portion(PING * 100, 0, 16)
    assert (6 * 3, 3, 0) == portion(PING * 3, 0, 16)


def test_a_portion_ends_with_a_message() -> None:
    assert (6 + 8, 2, 0) == portion(PING + TEXT + PING + TEXT, 0, 16)
    first = Frame(Opcode.TEXT, b"{", fin=False).serialize(mask=True)
    last = Frame(Opcode.CONT, b"}").serialize(mask=True)
    assert (7 + 6 + 7, 3, 0) == portion(first + PING + last + PING, 0, 16)


@pytest.mark.parametrize("size", [0, 125, 126, 65_535, 65_536])
def test_the_payload_of_a_frame_may_be_still_to_come(size: int) -> None:
    frame = Frame(Opcode.TEXT, bytes(size)).serialize(mask=True)
    assert (len(frame), 1, 0) == portion(frame, 0, 16)
    header = len(frame) - size
    assert (header, 1, size) == portion(frame[:header], 0, 16)
    if size:
        assert (size, 0, 0) == portion(frame[header:] + PING, size, 16)
        assert (1, 0, size - 1) == portion(b"x", size, 16)


@pytest.mark.parametrize("size", [0, 126, 65_536])
def test_the_beginning_of_a_header_waits_for_its_rest(size: int) -> None:
    frame = Frame(Opcode.TEXT, bytes(size)).serialize(mask=True)
    size_known = len(frame) - size - 4
    for cut in range(1, size_known):
        assert (0, 0, 0) == portion(frame[:cut], 0, 16)
        assert (6, 1, 0) == portion(PING + frame[:cut], 0, 16)


@pytest.mark.parametrize("frame", [b"\x81\x02{}", b"\xff\xff", b"\x83\xfe"])
def test_a_frame_that_the_parser_rejects_at_once_is_passed_on_at_once(frame: bytes) -> None:
    assert (2, 1, 0) == portion(frame, 0, 16)


opcodes = st.sampled_from((Opcode.TEXT, Opcode.PING, Opcode.PONG))
frames = st.builds(lambda opcode, size: Frame(opcode, b"x" * size), opcodes, st.integers(0, 125))


@given(st.lists(frames, max_size=40), st.lists(st.integers(1, 50)))
def test_portions_carry_all_frames_however_the_input_arrives(
    sent: list[Frame], cuts: list[int]
) -> None:
    data = b"".join(frame.serialize(mask=True) for frame in sent)
    parser = ServerProtocol()
    parser.state = State.OPEN
    parser.parser = super(ServerProtocol, parser).parse()
    next(parser.parser)
    held, due, began = b"", 0, 0
    for cut in [*cuts, len(data) + 1]:
        arrived, data = data[:cut], data[cut:]
        held += arrived
        while held:
            size, frames, due = portion(held, due, 3)
            if not size:
                break
            parser.receive_data(held[:size])
            assert len(parser.events_received()) <= 3
            held, began = held[size:], began + frames
    assert (b"", 0, len(sent)) == (held, due, began)


@pytest.mark.parametrize("size", [0, 125, 126, 65_535, 65_536, 70_000])
def test_a_text_message_is_one_frame_as_websockets_writes_it(size: int) -> None:
    expected = Frame(Opcode.TEXT, b"x" * size).serialize(mask=False)
    assert expected == text_frame(b"x" * size)


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536, 70_000])
def test_a_whole_message_is_read_as_websockets_wrote_it(size: int) -> None:
    message = bytes(range(256)) * (size // 256 + 1)
    frame = Frame(Opcode.TEXT, message[:size]).serialize(mask=True)
    assert message[:size] == whole_message(frame, size)
    assert whole_message(frame, size - 1) is None


@pytest.mark.parametrize(
    "frame",
    [
        Frame(Opcode.TEXT, b"x", fin=False).serialize(mask=True),
        Frame(Opcode.CONT, b"x").serialize(mask=True),
        Frame(Opcode.PING, b"x").serialize(mask=True),
        Frame(Opcode.CLOSE, b"").serialize(mask=True),
        b"\xc1" + Frame(Opcode.TEXT, b"compressed").serialize(mask=True)[1:],
        Frame(Opcode.TEXT, b"not masked").serialize(mask=False),
        b"\x81\x80",
    ],
    ids=range(7),  # frames are masked at random
)
def test_any_other_frame_is_left_to_websockets(frame: bytes) -> None:
    assert whole_message(frame, 100) is None
