"""What clients are given and allowed over each protocol."""

from ipaddress import IPv4Address, IPv6Address
from typing import Self

from pydantic import Field, SecretStr, field_validator, model_validator

from tracker.origins import ANY, Origin
from tracker.paths import ANNOUNCE_PATHS, Paths
from tracker.scope import GLOBAL, scope_of
from tracker.settings.section import MONTH, Section

LEAST_SECRET = 16  # bytes; fewer can be guessed offline from one connection id


class AnnounceSettings(Section):
    """Peers over HTTP and UDP."""

    interval: int = Field(1800, ge=1, le=MONTH, description="seconds between a peer's announces")
    interval_jitter: float = Field(0.1, ge=0, lt=1, description="part by which it is spread")
    min_interval: int = Field(
        300, ge=1, le=MONTH, description="seconds that a peer should at least wait"
    )
    peer_ttl: int = Field(2700, ge=1, description="a peer silent for so many seconds is gone")
    numwant: int = Field(50, ge=0, description="peers given to who does not say how many")
    max_numwant: int = Field(200, ge=0, description="most peers in one reply")
    client_addresses: bool = Field(
        False, description="believe the addresses that announces name (private networks only)"
    )
    external_ip: tuple[IPv4Address | IPv6Address, ...] = Field(
        (),
        description="addresses, one IPv4 and one IPv6, at which peers elsewhere reach those on "
        "the tracker's own network",
    )

    @field_validator("external_ip")
    @classmethod
    def _external_ips_are_global(
        cls, ips: tuple[IPv4Address | IPv6Address, ...]
    ) -> tuple[IPv4Address | IPv6Address, ...]:
        for ip in ips:
            unicast = not (ip.is_multicast or ip.is_unspecified or ip.is_reserved)
            if scope_of(ip.packed) is not GLOBAL or not unicast:
                raise ValueError(f"peers elsewhere cannot reach {ip}: name a public address")
        if len({ip.version for ip in ips}) < len(ips):
            raise ValueError(
                "more than one address of a family: name at most one IPv4 and one IPv6"
            )
        return ips

    @model_validator(mode="after")
    def _ttl_outlives_interval(self) -> Self:
        if self.peer_ttl <= self.interval * (1 + self.interval_jitter):
            raise ValueError("announce.peer_ttl must exceed announce.interval with its jitter")
        if self.min_interval > self.interval:
            raise ValueError("announce.min_interval must not exceed announce.interval")
        return self


class HttpSettings(Section):
    """HTTP announces and scrapes."""

    max_head: int = Field(8192, ge=256, description="bytes of a request's head")
    max_fields: int = Field(100, ge=20, le=128, description="fields of a head, and of an announce")
    paths: Paths = Field(
        ANNOUNCE_PATHS, description="where announces are served; KEY: any word; scrapes likewise"
    )
    request_timeout: float = Field(10.0, gt=0, description="seconds in which a head must be whole")
    keepalive: float = Field(60.0, gt=0, description="seconds that an idle connection is kept")
    max_scrape: int = Field(100, ge=1, description="info_hashes in one scrape")


class UdpSettings(Section):
    """UDP announces and scrapes (BEP 15)."""

    secret: SecretStr | None = Field(
        None,
        description="key of the connection ids, at least 16 bytes, the same for all frontends; "
        "none: keys in Redis, changed by a background job",
    )
    secret_period: int = Field(86_400, ge=1, description="seconds between changes of those keys")
    connection_lifetime: int = Field(
        120, ge=1, description="connection ids are good for one to two times so many seconds"
    )
    max_reply: int = Field(1232, ge=64, le=65_507, description="bytes of a reply")
    max_scrape: int = Field(74, ge=1, description="info_hashes in one scrape")
    batch: int = Field(64, ge=1, description="datagrams read before other work gets its turn")
    receive_buffer: int = Field(4_194_304, ge=4096, description="bytes the kernel may hold for us")
    proxy_protocol: bool = Field(
        False, description="datagrams come from trusted proxies and begin with PROXY v1 or v2"
    )

    @field_validator("secret")
    @classmethod
    def _is_no_guess(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret and len(secret.get_secret_value().encode()) < LEAST_SECRET:
            raise ValueError(
                f"udp.secret must have at least {LEAST_SECRET} bytes, or connection ids can be "
                "forged: make one with `openssl rand -hex 32`"
            )
        return secret

    @model_validator(mode="after")
    def _secrets_outlive_ids(self) -> Self:
        if self.secret_period < 2 * self.connection_lifetime:
            raise ValueError("udp.secret_period must be at least twice udp.connection_lifetime")
        return self


class WsSettings(Section):
    """Browsers: WebTorrent over WebSocket."""

    interval: int = Field(120, ge=1, le=MONTH, description="seconds between a browser's announces")
    ttl: int = Field(300, ge=1, description="a browser silent for so many seconds is gone")
    ping_interval: float = Field(30.0, gt=0, description="seconds between pings")
    idle_timeout: float = Field(
        90.0, gt=0, description="a socket that sent nothing, not even a pong, for so long is cut"
    )
    challenge_timeout: float = Field(
        15.0, gt=0, description="seconds in which the owner of a contested entry answers a ping"
    )
    origins: tuple[Origin, ...] = Field(
        (ANY,), description="origins of the pages that may use the tracker over WebSocket; *: all"
    )
    drain: float = Field(
        0.0,
        ge=0,
        description="seconds for which browsers keep their sockets after SIGTERM; then they are "
        "disconnected within listen.drain",
    )
    max_message: int = Field(65_536, ge=1024, description="bytes of a message from a browser")
    max_offers: int = Field(10, ge=0, description="offers used of one announce")
    max_scrape: int = Field(100, ge=1, description="info_hashes in one scrape")
    max_pending: int = Field(500, ge=1, description="unanswered offers remembered per socket")
    max_signals: int = Field(
        64,
        ge=1,
        description="answers and ICE candidates relayed for one offer; 1024 bytes count as one",
    )
    max_buffer: int = Field(
        262_144, ge=65_536, description="unread bytes at which a browser is cut"
    )
    messages_per_second: float = Field(
        500.0, gt=0, description="frames and offers of one socket, on average"
    )
    message_burst: int = Field(2000, ge=1, description="frames and offers of one socket at once")
    message_timeout: float = Field(
        20.0, gt=0, description="seconds in which a message must be complete"
    )
    unread_timeout: float = Field(
        20.0, gt=0, description="seconds in which a browser must read what waits for it"
    )
    offers_per_second: float = Field(
        50.0, gt=0, description="offers delivered to one browser, on average; others are dropped"
    )
    offers_burst: int = Field(500, ge=1, description="offers delivered to one browser at once")
    offer_bytes_per_second: int = Field(
        262_144,
        ge=1024,
        description="bytes of offers delivered to one browser, on average; the burst lasts as "
        "long as that of offers",
    )

    @model_validator(mode="after")
    def _outlives(self) -> Self:
        if self.ttl <= self.interval:
            raise ValueError("ws.ttl must exceed ws.interval")
        if self.idle_timeout <= self.ping_interval:
            raise ValueError("ws.idle_timeout must exceed ws.ping_interval")
        return self
