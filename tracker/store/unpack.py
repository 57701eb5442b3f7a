"""MessagePack out of Redis, which may hold anything."""

import math
from typing import TypeVar

import msgspec

T = TypeVar("T")

MOST = 2**53  # for any number: JSON and a float hold it exactly


def unpacked(data: bytes, kind: type[T]) -> T | None:
    """Decode a value that a tracker packed.

    Args:
        data: MessagePack.
        kind: its type.

    Returns:
        None: it is of another shape, as another version may pack it.

    Raises:
        ValueError: it is no MessagePack of ours, or has numbers that cannot be.
    """
    try:
        value = msgspec.msgpack.decode(data, type=kind)
    except msgspec.ValidationError:
        if not isinstance(_any(data), list | dict):
            raise ValueError("no record") from None  # noqa: TRY004 - damage, no fault of ours
        return None
    except (ValueError, RecursionError) as error:
        raise ValueError(str(error)) from error
    _check(value)
    return value


def _any(data: bytes) -> object:
    try:
        return msgspec.msgpack.decode(data)
    except (ValueError, RecursionError, TypeError) as error:
        raise ValueError(str(error)) from error


def _check(value: object) -> None:
    """Refuse negative, astronomic and infinite numbers, wherever they are in `value`."""
    if isinstance(value, int | float):
        if not (math.isfinite(value) and 0 <= value <= MOST):
            raise ValueError(f"{value} is out of range")
    elif isinstance(value, msgspec.Struct):
        _check(msgspec.structs.astuple(value))
    elif isinstance(value, dict):
        for each in value.values():
            _check(each)
    elif isinstance(value, list | tuple):
        for each in value:
            _check(each)
