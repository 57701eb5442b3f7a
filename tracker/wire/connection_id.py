"""Connection ids of UDP (BEP 15, "UDP connections / spoofing"): proof that an address receives.

An announce counts only with an id that was sent to its address, so a client with a forged source
address can neither enter others into swarms nor have large replies sent to them. The id is a keyed
hash over time slot and address. Without the secret it cannot be guessed (56 bits); nothing is
remembered per address, so a flood of connects costs no memory; and all frontends that share the
secret accept each other's ids. A host that can read a peer's packets can use its id: BEP 15 does
not protect from that.

Layout: 7 bytes of hash, then the low byte of the slot's number. That byte shows which of the slots
in force the id belongs to, so one hash per secret checks it. The previous, the current and the next
slot are in force: an id of the next slot comes from a frontend whose clock is ahead.
"""

from collections.abc import Sequence
from hashlib import blake2s
from hmac import compare_digest
from struct import Struct

from tracker.model import Ip

_SLOT = Struct("!q")
_HASH_SIZE = 7
_ID_SIZE = 8


class ConnectionIds:
    """Makes and checks connection ids.

    Args:
        secrets: as for `use`.
        lifetime_s: length of a slot. By the clock of the frontend that makes it, an id is valid
            for one to two times this many seconds. A frontend whose clock is behind or ahead by at
            most a slot accepts the id, too. Its clock ends the id that much later or earlier: with
            the default of 120 s and a clock that is 60 s ahead, after at least 60 s.
    """

    def __init__(self, secrets: Sequence[bytes], lifetime_s: int) -> None:
        self.use(secrets)
        self._lifetime_s = lifetime_s

    def use(self, secrets: Sequence[bytes]) -> None:
        """Go on with these secrets, of any length, the same in all frontends.

        The first makes ids, all are accepted, so a secret can be replaced without a gap.
        """
        if not secrets or not all(secrets):
            raise ValueError("connection ids need a secret")
        # Copies of a hash that has taken its key in cost a third less than new ones.
        self._keyed = tuple(
            blake2s(key=blake2s(secret).digest(), digest_size=_HASH_SIZE) for secret in secrets
        )

    def mint(self, ip: Ip, now_s: int) -> bytes:
        """The 8 bytes that prove at `now_s`, in Unix seconds, that `ip` receives."""
        slot = now_s // self._lifetime_s
        mac = self._keyed[0].copy()
        mac.update(_SLOT.pack(slot) + ip)
        return mac.digest() + (slot & 0xFF).to_bytes(1, "big")

    def valid(self, connection_id: bytes, ip: Ip, now_s: int) -> bool:
        """Return whether `ip` was given this id in the previous, the current or the next slot."""
        if len(connection_id) != _ID_SIZE:
            return False
        before = now_s // self._lifetime_s - 1
        later = (connection_id[_HASH_SIZE] - before) & 0xFF
        if later > 2:
            return False
        message = _SLOT.pack(before + later) + ip
        for keyed in self._keyed:
            mac = keyed.copy()
            mac.update(message)
            # 15 ns dearer than ==, and no timing to learn from.
            if compare_digest(mac.digest(), connection_id[:_HASH_SIZE]):
                return True
        return False
