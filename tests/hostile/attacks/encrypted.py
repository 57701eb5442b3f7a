"""Attackers that speak TLS: many connections that send without a pause."""

import asyncio
import ssl
import time
from contextlib import suppress

from tests.hostile.child import begun, report

CONNECTING = 20  # handshakes at once


def run(
    *, to: tuple[str, int], sources: list[str], sockets: int, seconds: float, data: str
) -> None:
    """Attack, then report how many connections were opened and cut.

    Args:
        to: host and port.
        sources: local addresses; the connections are spread over them.
        sockets: open at once, as far as the time allows.
        seconds: the time of the attack.
        data: what each connection sends, in Latin-1.
    """
    report(asyncio.run(_attack(to, sources, sockets, seconds, data.encode("latin-1"))))


async def _attack(
    to: tuple[str, int], sources: list[str], sockets: int, seconds: float, data: bytes
) -> dict[str, int]:
    trust = ssl.create_default_context()
    trust.check_hostname, trust.verify_mode = False, ssl.CERT_NONE
    places = asyncio.Semaphore(CONNECTING)
    end_s = time.monotonic() + seconds
    found = {"opened": 0, "cut": 0}

    async def attack(number: int) -> None:
        source = sources[number % len(sources)], 0
        try:
            async with places:
                reader, writer = await asyncio.open_connection(*to, ssl=trust, local_addr=source)
            found["opened"] += 1
            writer.write(data)
            await reader.read()
        except OSError:
            pass
        found["cut"] += 1

    begun()
    with suppress(TimeoutError):
        async with asyncio.timeout_at(asyncio.get_running_loop().time() + seconds):
            await asyncio.gather(*map(attack, range(sockets)))
    await asyncio.sleep(max(0.0, end_s - time.monotonic()))
    return found
