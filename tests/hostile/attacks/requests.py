"""What hostile BitTorrent clients send over HTTP and UDP, as bytes."""

from urllib.parse import quote_from_bytes

from tests.frontends.clients import announce_packet, get, query, scrape_packet
from tests.hostile.attacks.frames import PEER_ID
from tracker.model import Event

HASH = b"hostile swarm of IP."
CLOSE = "Connection: close"


def http_announce(*headers: str, **changed: bytes | str | int | None) -> bytes:
    """Return an announce; arguments as of `tests.frontends.clients.query`."""
    fields: dict[str, bytes | str | int | None] = {
        "info_hash": HASH,
        "peer_id": PEER_ID,
        "numwant": 200,
    }
    return get(f"/announce?{query(**fields | changed)}", *headers)


def http_scrape(count: int, *headers: str) -> bytes:
    """Return a scrape of `count` swarms."""
    hashes = (b"hostile scrape %05d" % number for number in range(count))
    return get(
        "/scrape?" + "&".join(f"info_hash={quote_from_bytes(each)}" for each in hashes), *headers
    )


def udp_announce(**changed: object) -> bytes:
    """Return an announce without a connection id."""
    return announce_packet(bytes(8), **{"info_hash": HASH, "event": Event.STARTED, **changed})


def udp_scrape(count: int) -> bytes:
    """Return a scrape without a connection id."""
    return scrape_packet(bytes(8), *(b"hostile scrape %05d" % number for number in range(count)))
