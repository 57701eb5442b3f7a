"""When a peer should come back."""


def spread(interval_s: int, jitter: float, at: float) -> int:
    """`interval_s` moved by up to ±`jitter` of it, so that peers who came together part.

    `at` is 0.0 ≤ at < 1.0, from a random source.
    """
    return round(interval_s * (1 + jitter * (2 * at - 1)))


def early(interval_s: int, at: float) -> int:
    """When a peer shall come back to a swarm that was lost and fills anew: within a tenth.

    Spread over half of that time, so that it makes no wave. `at` as of `spread`.
    """
    return max(1, round(interval_s / 20 * (1 + at)))
