"""Time-limited credentials for TURN servers (draft-uberti-behave-turn-rest-00).

The tracker and the TURN servers share a secret. A server recomputes the password from the
username, which begins with the time of expiry, and needs no list of users. coturn calls this
``use-auth-secret``. It counts the sessions of its ``user-quota`` for the part of the username
after the colon. That part identifies the address of the client: all credentials of one address
share one quota, however many it asks for and whoever uses them.
"""

from base64 import b64encode
from hashlib import sha256
from hmac import digest
from typing import NamedTuple

from tracker.model import Ip

ID_BYTES = 8  # of the client's id


class Credential(NamedTuple):
    """What a browser sends to a TURN server."""

    username: str
    password: str


def turn_credential(secret: bytes, client: Ip, now_s: float, ttl_s: int) -> Credential:
    """Return the credential of a client.

    Args:
        secret: the ``static-auth-secret`` of the TURN servers.
        client: the key of its account: an IPv4 address or the prefix of an IPv6 address.
        now_s: Unix seconds.
        ttl_s: seconds for which a TURN server accepts it.
    """
    client_id = digest(secret, b"client " + client, sha256)[:ID_BYTES].hex()
    username = f"{int(now_s) + ttl_s}:{client_id}"
    return Credential(username, b64encode(digest(secret, username.encode(), "sha1")).decode())
