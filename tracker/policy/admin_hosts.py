"""The names by which a client may address the admin port.

A web page can make its own domain name point to an address of the operator's network, and then read
the admin port as if it were its own server (DNS rebinding). Its requests carry that name, so names
that anybody can register are refused.
"""

import re
from collections.abc import Collection
from ipaddress import ip_address

_HOST = re.compile(r"(?P<name>\[[^\]]*\]|[^:\[\]]*)(:\d{0,5})?")
# Special use or private use: no public domain ends so (RFC 6761; Kubernetes; ICANN for `internal`).
_PRIVATE = (".localhost", ".internal", ".svc", ".cluster.local")


def is_admin_host(host: str, names: Collection[str]) -> bool:
    """Return whether requests for this host are answered.

    Args:
        host: a Host header. Empty is allowed: health checks of balancers send none, browsers always
            send one.
        names: further ones, in lower case.
    """
    match = _HOST.fullmatch(host.strip())
    if match is None:
        return False
    name = match["name"].lower().rstrip(".")
    if name.startswith("["):
        return _is_address(name[1:-1])
    return "." not in name or name in names or name.endswith(_PRIVATE) or _is_address(name)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
