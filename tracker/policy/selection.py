"""How many peers a reply names, and which."""

from collections.abc import Sequence


def clamp_numwant(numwant: int | None, default: int, most: int) -> int:
    """Peers to return: None (not said, negative, garbage) is the default; 0 is none."""
    return min(default if numwant is None or numwant < 0 else numwant, most)


def choose(
    seeders: Sequence[bytes],
    leechers: Sequence[bytes],
    *,
    me: bytes,
    seeding: bool,
    want: int,
    at: float,
) -> list[bytes]:
    """Pick `want` live members for one asker.

    Args:
        seeders, leechers: live members, in any order.
        me: the asker, who is never told of itself.
        seeding: a seeder is told of leechers only.
        want: the most to pick.
        at: where to begin, 0.0 ≤ at < 1.0, from a random source: a stretch of the ring that
            begins anywhere gives every member the same chance for one random number.
    """
    peers = [*leechers] if seeding else [*seeders, *leechers]
    if me in peers:
        peers.remove(me)
    if len(peers) <= want:
        return peers
    start = int(at * len(peers))
    picked = peers[start : start + want]
    return picked + peers[: want - len(picked)]
