"""Connection ids of UDP (BEP 15, "UDP connections / spoofing"): proof that an address receives.

An announce counts only with an id that was sent to its address, so who forges source addresses
can neither enter others into swarms nor have large replies sent to them. The id is a keyed hash
over time slot and address. Nobody without the secret can guess one (56 bits, for 4 minutes);
nothing is remembered per address, so a flood of connects costs no memory; and all frontends that
share the secret accept each other's ids. Who can read a peer's packets can use its id: BEP 15
does not protect from that.

Layout: 7 bytes of hash, then one byte, the parity of the slot. The parity tells which of the two
slots in force the id is of, so one hash per secret is enough to check it.
"""

from collections.abc import Sequence
from hashlib import blake2s
from hmac import compare_digest
from struct import Struct

from tracker.model import Ip

_SLOT = Struct("!q")
_HASH_SIZE = 7
_PARITY = (b"\0", b"\1")


class ConnectionIds:
    """Makes and checks connection ids.

    Args:
        secrets: as for `use`.
        lifetime_s: length of a slot. An id is good for one to two times so many seconds.
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
        return mac.digest() + _PARITY[slot & 1]

    def valid(self, connection_id: bytes, ip: Ip, now_s: int) -> bool:
        """Whether `ip` was given this id in the current slot or in the one before."""
        slot = now_s // self._lifetime_s
        parity = connection_id[_HASH_SIZE:]
        if parity != _PARITY[slot & 1]:
            slot -= 1
            if parity != _PARITY[slot & 1]:
                return False
        message = _SLOT.pack(slot) + ip
        for keyed in self._keyed:
            mac = keyed.copy()
            mac.update(message)
            # 15 ns dearer than ==, and no timing to learn from.
            if compare_digest(mac.digest(), connection_id[:_HASH_SIZE]):
                return True
        return False
