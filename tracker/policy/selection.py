"""How many peers a reply names, and which."""

from collections.abc import Sequence
from typing import TypeAlias

WHOLE_MEMBER = 64  # more bytes than a member has
LARGEST_PART = 4  # of an answer, one in this many, for one address while others are there
LEAST_PART = 10  # of an answer, one in this many, for a role that has few members

Share: TypeAlias = tuple[int, int]  # of seeders, of leechers


def shares(
    want: int, seeders: int, leechers: int, seeding: bool, *, browsers: bool = False
) -> Share:
    """Return how many seeders and how many leechers to name, of that many, for one asker.

    In proportion, but a role with few members gets at least a tenth: a download needs a seeder as
    soon as the leechers lack a piece, so the last seeders of a large swarm must be found by nearly
    every leecher. A seeder has no use of seeders, and clients cut such connections. Among browsers
    it gets leechers first, then seeders: programs that only need to meet announce as seeders.
    """
    if seeding:
        of_leechers = min(want, leechers)
        return (min(want - of_leechers, seeders) if browsers else 0), of_leechers
    if seeders + leechers <= want:
        return seeders, leechers
    least = -(-want // LEAST_PART)
    share = round(want * seeders / (seeders + leechers))
    share = min(share, want - min(leechers, least))
    share = max(share, min(seeders, least), want - leechers)
    return share, want - share


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
    cut: int = WHOLE_MEMBER,
    browsers: bool = False,
) -> list[bytes]:
    """Pick `want` live members for one asker.

    Args:
        seeders, leechers: live members, in any order.
        me: the asker, who is never told of itself.
        seeding: the asker's role; see `shares` for what it is told of. Leechers come first for a
            seeder, and seeders for a leecher.
        want: the most to pick.
        at: where to begin, 0.0 ≤ at < 1.0, from a random source: a stretch of a ring that
            begins anywhere gives every member of a role the same chance for one random number.
        cut: the first `cut` bytes of a member are its address. If a glance at the stretch shows
            an address twice, no address gets more than a quarter while others are there.
        browsers: members are browsers; see `shares`.
    """
    if want == 0:
        return []
    roles = [] if seeding and not browsers else [*seeders], [*leechers]
    for role in roles:
        if me in role:
            role.remove(me)
    if len(roles[0]) + len(roles[1]) <= want:
        return roles[1] + roles[0] if seeding else roles[0] + roles[1]
    share = shares(want, len(roles[0]), len(roles[1]), seeding, browsers=browsers)
    picks = stretch(roles[0], share[0], at), stretch(roles[1], share[1], at)
    picked = picks[1] + picks[0] if seeding else picks[0] + picks[1]
    first, last = picked[0][:cut], picked[-1][:cut]
    if want > 1 and (first == last or picked[want >> 1][:cut] in (first, last)):
        return _mixed(roles, share, at, cut)
    return picked


def stretch(members: Sequence[bytes], length: int, at: float) -> list[bytes]:
    """Return `length` members of the ring, or all, from a place that `at` tells, 0.0 ≤ at < 1.0."""
    if len(members) <= length:
        return [*members]
    start = int(at * len(members))
    found = [*members[start : start + length]]
    return found if len(found) == length else [*found, *members[: length - len(found)]]


def alike(members: Sequence[bytes], cut: int) -> bool:
    """Return whether more than half of several members are of one address; see `choose` for `cut`.

    Members of one address stand together, so a majority has two neighbours at one of three places;
    `choose` may have moved it to the end.
    """
    size = len(members)
    if size < 2:
        return False
    for at in (size - 1, 0, size >> 1):
        address = members[at - 1][:cut]
        if members[at][:cut] == address and 2 * _count(members, address, cut) > size:
            return True
    return False


def _count(members: Sequence[bytes], address: bytes, cut: int) -> int:
    return sum([member[:cut] == address for member in members])


def _mixed(roles: Sequence[Sequence[bytes]], share: Share, at: float, cut: int) -> list[bytes]:
    """Pick peers of each role, a quarter of all of each address, then any.

    The shares of the roles are kept as far as there are enough addresses.
    """
    want = sum(share)
    most = max(1, want // LARGEST_PART)
    counts: dict[bytes, int] = {}
    picked: list[bytes] = []
    rest: list[bytes] = []
    for role, number in zip(roles, share, strict=True):
        left = number
        for peer in _ring(role, at):
            count = counts[peer[:cut]] = counts.get(peer[:cut], 0) + 1
            if left and count <= most:
                picked.append(peer)
                left -= 1
            else:
                rest.append(peer)
    rest.sort(key=lambda peer: counts[peer[:cut]])
    return picked + rest[: want - len(picked)]


def _ring(members: Sequence[bytes], at: float) -> Sequence[bytes]:
    """Return all members of the ring, from the place that `at` tells."""
    start = int(at * len(members))
    return [*members[start:], *members[:start]]
