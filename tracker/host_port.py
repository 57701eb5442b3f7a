"""Addresses as people write them."""


def split_host_port(text: str) -> tuple[str, int]:
    """Host and port of ``HOST:PORT``; the brackets of an IPv6 address are taken off.

    Raises:
        ValueError: `text` is not of that form.
    """
    host, colon, port = text.rpartition(":")
    bare = host.removeprefix("[").removesuffix("]")
    if not colon or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise ValueError(f"not HOST:PORT: {text!r}")
    if ":" in bare and bare == host:
        raise ValueError(f"an IPv6 address needs brackets: {text!r}")
    return bare, int(port)
