"""An info_hash as people write it: hex (BEP 9), base32 (older magnet links), or of BEP 52."""

from base64 import b32decode
from binascii import unhexlify

from tracker.errors import Malformed
from tracker.model import HASH_SIZE, InfoHash

HEX_SIZES = (40, 64)  # of SHA-1, and of SHA-256, which trackers see cut to 20 bytes (BEP 52)
BASE32_SIZE = 32


def read_info_hash(text: bytes | str) -> InfoHash:
    """The info_hash in 40 hex, 64 hex or 32 base32 digits.

    Raises:
        Malformed: it is none of these.
    """
    try:
        if len(text) in HEX_SIZES:
            return unhexlify(text)[:HASH_SIZE]
        if len(text) == BASE32_SIZE:
            found = b32decode(text, casefold=True)
            if len(found) == HASH_SIZE:  # else there was padding
                return found
    except ValueError:
        pass
    raise Malformed("an info_hash has 40 or 64 hex digits, or 32 of base32")
