"""Loopback addresses of good clients and attackers, which all differ."""

GOOD = 1  # 127.1.x.y


def address(network: int, number: int) -> str:
    """Return an address of 127.`network`.0.0/16; no two numbers up to 50,000 share one."""
    high, low = divmod(number, 250)
    return f"127.{network}.{high}.{low + 1}"


def addresses(network: int, count: int) -> list[str]:
    """Return the first `count` addresses of a network."""
    return [address(network, number) for number in range(count)]
