"""A picture to share."""

import struct
import zlib

WIDTH, HEIGHT = 640, 280


def picture() -> bytes:
    """Return a PNG whose colours change gradually, like an evening sky."""
    rows = bytearray()
    for y in range(HEIGHT):
        rows += b"\0"
        for x in range(WIDTH):
            rows += bytes((40 + 160 * y // HEIGHT, 90 + 80 * x // WIDTH, 200 - 120 * y // HEIGHT))
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 0)
    parts = (b"IHDR", header), (b"IDAT", zlib.compress(bytes(rows))), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in parts
    )
