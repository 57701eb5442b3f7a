"""Fair service under overload: each address gets a little before any address gets more."""

from collections.abc import Hashable, Sequence


def fair_limit(counts: Sequence[int], most: int) -> int:
    """The most items of one client to serve, so that about `most` are served in all; at least 1.

    Args:
        counts: items that wait, by client.
        most: items to serve. More are served if there are more clients.
    """
    left, clients = most, len(counts)
    for count in sorted(counts):
        if count * clients > left:
            return max(1, left // clients)
        left -= count
        clients -= 1
    return max(counts, default=1)


def fair(keys: Sequence[Hashable], most: int) -> list[bool]:
    """For each item, whether to serve it.

    Args:
        keys: whose each item is, in the order of arrival; earlier ones are served first.
        most: as of `fair_limit`.
    """
    counts: dict[Hashable, int] = {}
    for key in keys:
        counts[key] = counts.get(key, 0) + 1
    limit = fair_limit(list(counts.values()), most)
    served: dict[Hashable, int] = {}
    chosen = []
    for key in keys:
        number = served.get(key, 0)
        served[key] = number + 1
        chosen.append(number < limit)
    return chosen
