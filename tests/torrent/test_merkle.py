"""Hash trees, against the plain definition of BEP 52."""

from hashlib import sha256

from hypothesis import given
from hypothesis import strategies as st

from tracker.torrent.merkle import BLOCK_SIZE, ZERO, root, root_of_data


def plain_root(leaves: list[bytes]) -> bytes:
    """The root over a number of leaves that is a power of two."""
    if len(leaves) == 1:
        return leaves[0]
    half = len(leaves) // 2
    return sha256(plain_root(leaves[:half]) + plain_root(leaves[half:])).digest()


@given(st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=40), st.integers(0, 7))
def test_a_layer_is_padded_to_a_power_of_two(hashes: list[bytes], height: int) -> None:
    width = 1 << max(height, (len(hashes) - 1).bit_length())
    padded = hashes + [ZERO] * (width - len(hashes))
    assert plain_root(padded) == root(hashes, 1 << height)


def test_data_is_hashed_in_blocks_the_last_of_which_may_be_short() -> None:
    data = bytes(range(256)) * 64 * 3 + b"rest"
    blocks = [data[at : at + BLOCK_SIZE] for at in range(0, len(data), BLOCK_SIZE)]
    assert 4 == len(blocks)
    leaves = [sha256(block).digest() for block in blocks]
    assert plain_root(leaves) == root_of_data(memoryview(data))
    assert plain_root(leaves + [ZERO] * 4) == root_of_data(memoryview(data), 8)
