"""The words of the field, shared by all floors. Values only: nothing here does anything."""

from enum import IntEnum
from typing import Literal, NamedTuple, TypeAlias

from msgspec import Struct

InfoHash: TypeAlias = bytes  # 20 bytes (BEP 3); a BEP 52 hash is cut to 20
PeerId: TypeAlias = bytes  # 20 bytes (BEP 3)
OfferId: TypeAlias = bytes  # 20 bytes, which the offering client chooses
Ip: TypeAlias = bytes  # packed, 4 or 16 bytes; IPv4-mapped IPv6 is always kept as IPv4
Endpoint: TypeAlias = bytes  # compact ip + port, 6 (BEP 23) or 18 bytes (BEP 7)

FrontendId: TypeAlias = bytes  # 8 random bytes, new at each start
Json: TypeAlias = bytes  # JSON text
AddressDigest: TypeAlias = bytes  # 8 bytes: see `tracker.wire.relay.address_digest`

HASH_SIZE = 20
PEER_ID_SIZE = 20
OFFER_ID_SIZE = 20
FRONTEND_ID_SIZE = 8
IPV4_SIZE, IPV6_SIZE = 6, 18  # bytes of a compact endpoint


class Value(Struct, frozen=True, gc=False):
    """Immutable values of which each packet makes some: five times cheaper than a NamedTuple.

    The garbage collector does not look at them, so no field may lead back to its value.
    """


class Event(IntEnum):
    """Why a peer announces; the numbers are those of BEP 15, "announce request"."""

    NONE = 0
    COMPLETED = 1
    STARTED = 2
    STOPPED = 3


class Family(IntEnum):
    """The kinds of peers an info_hash has. Browsers (WebRTC) are a swarm of their own.

    Numbers, since they index tuples on the hot path, where hashing an Enum would be slow.
    """

    IPV4 = 0
    IPV6 = 1
    BROWSER = 2


# On the hot path these: to look a member up in its enum takes longer than to compare it.
NONE, COMPLETED, STARTED, STOPPED = Event
IPV4, IPV6, BROWSER = Family


class Counts(NamedTuple):
    """A swarm in numbers, in the order of a UDP scrape reply (BEP 15, "Scrape")."""

    seeders: int
    completed: int  # downloads that finished, once per peer
    leechers: int


class Announce(Value, frozen=True):
    """One peer's announce over HTTP or UDP, after its bytes were understood."""

    info_hash: InfoHash
    peer_id: PeerId
    endpoint: Endpoint
    event: Event
    seeding: bool  # left = 0
    numwant: int | None  # None: the default
    full: bool  # the reply has room for the other family's peers and the completed count (HTTP)
    key: bytes = b""  # known to the client and the tracker only; empty: none


class Announced(Value, frozen=True):
    """The tracker's answer to an `Announce`."""

    interval_s: int
    min_interval_s: int
    counts: Counts
    peers: bytes  # IPv4 endpoints of 6 bytes, joined
    peers6: bytes  # IPv6 endpoints of 18 bytes, joined


class Totals(NamedTuple):
    """The whole cluster in numbers; live peers only."""

    counted_at: int  # Unix seconds
    swarms: int  # info_hashes with a peer over HTTP or UDP
    browser_swarms: int  # info_hashes with a browser
    ipv4_seeders: int
    ipv4_leechers: int
    ipv6_seeders: int
    ipv6_leechers: int
    browser_seeders: int
    browser_leechers: int


class Facts(NamedTuple):
    """A frontend's report to operators and other frontends; its times are those of Redis."""

    version: str
    host: str
    pid: int
    since: int  # Unix seconds of its start
    beat: float  # Unix seconds of this report
    ports: dict[str, int]  # by protocol
    requests: dict[str, int]  # announces answered so far, by protocol
    connections: int  # TCP, open
    browsers: int  # WebSockets, open
    relay_us: int | None  # how long a message through Redis took lately; None: not known


class Activity(NamedTuple):
    """What a frontend does, from two of its tellings."""

    beat: float  # Unix seconds of the later one
    requests: dict[str, int]  # announces answered until then, by protocol
    rates: dict[str, float]  # announces per second between them, by protocol


class SwarmSize(NamedTuple):
    """A swarm in numbers, live peers only."""

    info_hash: InfoHash
    browsers: bool  # of browsers; otherwise of HTTP and UDP, both IP families
    seeders: int
    leechers: int

    @property
    def peers(self) -> int:
        """All of them."""
        return self.seeders + self.leechers


class Snapshot(NamedTuple):
    """The whole cluster at one time, for those who look at it."""

    totals: Totals
    frontends: int  # alive
    rates: dict[str, float]  # announces per second of all frontends, by protocol
    activity: dict[FrontendId, Activity]  # of each that is alive
    top: list[SwarmSize]  # the largest swarms, the largest first


class Point(NamedTuple):
    """The cluster at one time, in short, for its history."""

    at: int  # Unix seconds
    frontends: int
    swarms: int  # as of `Totals`, and so on
    browser_swarms: int
    ipv4_peers: int
    ipv6_peers: int
    browsers: int
    rates: dict[str, float]  # as of `Snapshot`


class BrowserAnnounce(Value, frozen=True):
    """One browser's announce over WebSocket, without the offers themselves."""

    info_hash: InfoHash
    peer_id: PeerId
    event: Event
    seeding: bool
    offers: int  # how many it brings
    enters: bool = True  # False: another browser has the entry of this peer_id; only look


class BrowserAnnounced(Value, frozen=True):
    """The tracker's answer to a `BrowserAnnounce`."""

    interval_s: int
    counts: Counts
    takers: list[tuple[PeerId, FrontendId]]  # who may get an offer, the first ones first


class Offer(Value, frozen=True):
    """A WebRTC offer on its way to one browser, with the address that its answer goes to."""

    info_hash: InfoHash
    peer_id: PeerId  # who offers
    to_peer_id: PeerId  # who gets it
    offer_id: OfferId
    sdp: Json  # a string
    frontend: FrontendId  # where the offerer's socket is
    session: int  # that socket's number there
    address: AddressDigest  # of the offerer, who may come back with another socket


class SignalKind(IntEnum):
    """What the two browsers of an offer send each other."""

    ANSWER = 0  # to the offerer
    CANDIDATE = 1  # an ICE candidate (RFC 8838), to the offerer
    OFFERER_CANDIDATE = 2  # an ICE candidate, from the offerer


ANSWER, CANDIDATE, OFFERER_CANDIDATE = SignalKind


class Signal(Value, frozen=True):
    """An answer or an ICE candidate on its way between the two browsers of an offer."""

    kind: SignalKind
    info_hash: InfoHash
    peer_id: PeerId  # who sends it
    to_peer_id: PeerId
    offer_id: OfferId
    text: Json  # the SDP of an answer, a string; or a candidate, an object
    # Number of the offerer's socket on the frontend that this is sent to. 0: not known, the
    # frontend looks for the browser by `to_peer_id`.
    session: int
    address: AddressDigest  # of the offerer

    @property
    def name(self) -> Literal["answer", "candidate"]:
        """The field of messages that holds the text."""
        return "answer" if self.kind is ANSWER else "candidate"
