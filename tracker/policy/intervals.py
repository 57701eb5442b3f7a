"""When a peer should come back."""


def spread(interval_s: int, jitter: float, at: float) -> int:
    """`interval_s` moved by up to ±`jitter` of it, so that peers who came together part.

    `at` is 0.0 ≤ at < 1.0, from a random source.
    """
    return round(interval_s * (1 + jitter * (2 * at - 1)))
