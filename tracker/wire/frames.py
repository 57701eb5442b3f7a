"""WebSocket frames (RFC 6455, section 5.2): where those of a browser end, and our text messages.

`websockets` parses everything that it is given in one call, and 64 KiB hold 10,000 empty frames.
So the frontend cuts its input at the borders of frames and passes on a few frames at a time.

Nearly every frame is a whole text message. These we read and write ourselves, in a tenth of the
time; no extension that changes frames is ever negotiated. All others are left to `websockets`.
"""

from typing import TypeAlias

# In C where `websockets` was built so.
from websockets.frames import apply_mask  # type: ignore[attr-defined]

_MASKED = 0x80  # of the second byte
_SIZE = 0x7F  # of the second byte: bytes of payload, or one of the following
_SIZE_16, _SIZE_64 = 126, 127
_KNOWN = frozenset((0x0, 0x1, 0x2, 0x8, 0x9, 0xA))  # opcodes
_TEXT, _BINARY = 0x81, 0x82  # the first byte of a message in one frame
_HEADER = 6  # bytes, with the mask
_REJECTED = 2  # bytes after which a parser rejects a frame that no browser sends


# The first part of some input: its bytes (0: the input holds only the beginning of a header), the
# frames that begin in it, and the bytes of the last frame that are still to come. A plain tuple,
# since one is made for each message.
Portion: TypeAlias = tuple[int, int, int]


def portion(data: bytes, due: int, most: int) -> Portion:
    """Return what to pass on to the parser next.

    It ends with a frame, at the latest with one that completes a message or is the `most`th.

    Args:
        data: the input, at least one byte.
        due: bytes of it that belong to a frame that began before.
        most: frames.
    """
    size = len(data)
    if due:
        part = min(size, due)
        return part, 0, due - part
    at = frames = 0
    while at < size:
        frame = _frame_size(data, at)
        if not frame:
            break
        ends_message = data[at] & 0x88 == 0x80
        at += frame
        frames += 1
        if ends_message or frames == most:
            break
    return (at, frames, 0) if at <= size else (size, frames, at - size)


def _frame_size(data: bytes, at: int) -> int:
    """Return the bytes of the frame that begins there, header included; 0: not known yet."""
    left = len(data) - at
    if left < 2:
        return 0
    second = data[at + 1]
    if second < _MASKED or data[at] & 0x0F not in _KNOWN:
        return _REJECTED
    size = second & _SIZE
    if size < _SIZE_16:
        return _HEADER + size
    extended = 2 if size == _SIZE_16 else 8
    if left < 2 + extended:
        return 0
    return _HEADER + extended + int.from_bytes(data[at + 2 : at + 2 + extended], "big")


def whole_message(frame: bytes, most: int) -> bytes | None:
    """Return the message of a whole, masked frame, if it is one of at most `most` bytes.

    Text in a binary message is as good.

    None: it is another frame, or one that is not valid.
    """
    if len(frame) < _HEADER or frame[0] not in (_TEXT, _BINARY) or frame[1] < _MASKED:
        return None
    size = frame[1] & _SIZE
    mask_at = 2 if size < _SIZE_16 else 4 if size == _SIZE_16 else 10
    message = frame[mask_at + 4 :]
    if len(message) > most:
        return None
    return bytes(apply_mask(message, frame[mask_at : mask_at + 4]))


def text_frame(message: bytes) -> bytes:
    """Return a text message in one frame, as a server sends it: not masked."""
    size = len(message)
    if size < _SIZE_16:
        return b"%c%c%b" % (_TEXT, size, message)
    if size < 1 << 16:
        return b"%c%c%b%b" % (_TEXT, _SIZE_16, size.to_bytes(2, "big"), message)
    return b"%c%c%b%b" % (_TEXT, _SIZE_64, size.to_bytes(8, "big"), message)
