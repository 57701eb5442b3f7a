"""Bytes with something wrong in them. All chance comes from the generator that is handed in."""

from random import Random

ODD = (b"\0", b"\r\n", b"\r", b"\n", b" ", b"%", b"\xff", b"\x80", b"\xed\xa0\x80", b"9" * 30)
MOST_CHANGES = 6


def noise(rng: Random, most: int = 2000) -> bytes:
    """Up to so many bytes of anything."""
    return rng.randbytes(rng.randint(0, most))


def mutated(rng: Random, data: bytes) -> bytes:
    """The same with a few changes: bits flipped, pieces cut out, repeated or put in."""
    for _ in range(rng.randint(1, MOST_CHANGES)):
        data = _changed(rng, data)
    return data


def _changed(rng: Random, data: bytes) -> bytes:
    start, end = sorted((rng.randint(0, len(data)), rng.randint(0, len(data))))
    short = min(end, start + rng.randint(1, 8))
    match rng.randrange(6):
        case 0 if start < len(data):
            return data[:start] + bytes((data[start] ^ 1 << rng.randrange(8),)) + data[start + 1 :]
        case 1:
            return data[:start] + data[short:]
        case 2:
            return data[:short] + data[start:]
        case 3:
            return data[:start] + rng.choice(ODD) + data[short:]
        case 4:
            return data[:start] + noise(rng, 20) + data[start:]
        case _:
            return data[: max(start, len(data) // 2)]
