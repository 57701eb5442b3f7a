"""Strict decoding of bencoded data (BEP 3) from other programs."""

from bencodepy import BencodeDecodeError, BencodeDecoder

from tracker.errors import Malformed


class _StrictDecoder(BencodeDecoder):  # type: ignore[misc]  # it has no types
    """Rejects strings of negative length, with which the original loops for ever."""

    def decode_string(self, data: bytes, at: int, **kwargs: object) -> tuple[bytes, int]:
        if not data[at : at + 1].isdigit():
            raise ValueError("a string's length begins with a digit")
        text: bytes
        text, end = super().decode_string(data, at, **kwargs)
        if end > len(data):
            raise ValueError("a string is longer than the data")
        return text, end


_decoder = _StrictDecoder()


def decode(data: bytes) -> object:
    """Return the value that `data` is the bencoding of.

    Raises:
        Malformed: it is none.
    """
    try:
        value: object = _decoder.decode(data)
    except BencodeDecodeError as error:
        raise Malformed("not bencoded") from error
    return value


def decode_dictionary(data: bytes) -> dict[bytes, tuple[object, bytes]]:
    """Return each value of a dictionary, with the bytes that it was decoded from.

    The info_hash of a torrent is a hash over such bytes, however they are written.

    Raises:
        Malformed: `data` is not the bencoding of a dictionary.
    """
    if not isinstance(decode(data), dict):
        raise Malformed("not a dictionary")
    values, at = {}, 1
    while data[at : at + 1] != b"e":
        key, start = _decoder.decode_string(data, at)
        value, at = _decoder.decode_func[data[start : start + 1]](data, start)
        values[key] = value, data[start:at]
    return values
