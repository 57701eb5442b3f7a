"""Every setting, declared once: its default, unit, bounds and meaning.

A section is handed to the part that it is named after; only `tracker.cli` and `tracker.app` see
the whole. Names: section `ws`, field `interval` is the flag ``--ws-interval``, the environment's
``TRACKER_WS_INTERVAL`` and the TOML file's ``[ws] interval``. Only the section `listen` leaves
its name out of flags and environment: ``--port``, ``TRACKER_PORT``, ``[listen] port``.
"""

from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from tracker.host_port import shared_port, split_host_port
from tracker.network import Network
from tracker.paths import ANNOUNCE_PATHS, Paths
from tracker.redis_url import check_redis_url

ProtocolName = Literal["http", "udp", "ws"]

MONTH = 2_592_000  # seconds
LEAST_SECRET = 16  # bytes; fewer can be guessed offline from one connection id


class Section(BaseModel):
    """A group of settings: frozen, and refusing names that it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ListenSettings(Section):
    """Where the frontends listen."""

    host: str = Field("", description="address to listen on; empty: all, IPv4 and IPv6")
    port: int = Field(8000, ge=0, le=65535, description="one port for all protocols; 0: any free")
    http_port: int | None = Field(None, ge=0, le=65535, description="HTTP, if not on `port`")
    ws_port: int | None = Field(None, ge=0, le=65535, description="WebSocket, if not on `port`")
    udp_port: int | None = Field(None, ge=0, le=65535, description="UDP, if not on `port`")
    only: frozenset[ProtocolName] = Field(
        frozenset({"http", "udp", "ws"}), min_length=1, description="the protocols to serve"
    )
    admin: str = Field("127.0.0.1:8001", description="HOST:PORT of health, readiness, metrics")
    admin_hosts: tuple[str, ...] = Field(
        (), description="further names by which clients may address the admin port"
    )
    backlog: int = Field(4096, ge=1, description="TCP connections the kernel may hold for us")
    socket_buffer: int = Field(
        65_536, ge=4096, description="bytes the kernel may buffer of a TCP connection, each way"
    )
    trusted_proxies: tuple[Network, ...] = Field(
        (), description="networks whose X-Forwarded-For, Forwarded and PROXY heads are believed"
    )
    trusted_hops: int | None = Field(
        None,
        ge=1,
        le=32,
        description="proxies that each request passes: the client is that entry from the right",
    )
    client_header: str = Field(
        "",
        pattern="^[A-Za-z0-9-]*$",
        description="the header in which proxies name the client",
    )
    proxy_protocol: bool = Field(
        False, description="TCP connections from trusted proxies begin with PROXY v1 or v2"
    )
    max_connections: int = Field(50_000, ge=1, description="TCP connections open at once")
    max_connections_per_address: int = Field(
        5000,
        ge=0,
        description="TCP connections of one address open at once, never more than half of "
        "`max_connections`; 0: no limit",
    )
    with_workers: bool = Field(
        False, description="run the background jobs inside, as is done with an embedded Redis"
    )
    processes: int = Field(1, ge=1, le=256, description="processes that serve the same ports")
    drain: float = Field(10.0, ge=0, description="seconds to finish in after SIGTERM or SIGINT")
    grace: float = Field(
        1.0, ge=0, description="of these, seconds in which new connections are still served"
    )

    @property
    def tcp_ports(self) -> set[int]:
        """The ports of HTTP and WebSocket; 0: one that is free."""
        own = {"http": self.http_port, "ws": self.ws_port}
        ports = [port for name, port in own.items() if name in self.only]
        return {self.port if port is None else port for port in ports}

    @field_validator("admin")
    @classmethod
    def _is_host_port(cls, admin: str) -> str:
        split_host_port(admin)
        return admin

    @model_validator(mode="after")
    def _proxies_are_known(self) -> Self:
        if self.trusted_proxies and self.trusted_hops is not None:
            raise ValueError("trusted_proxies and trusted_hops exclude each other")
        if self.proxy_protocol and not self.trusted_proxies:
            raise ValueError("proxy_protocol needs trusted_proxies: whose heads to believe")
        return self

    @model_validator(mode="after")
    def _admin_has_a_port_of_its_own(self) -> Self:
        if port := shared_port(self.admin, self.host, self.tcp_ports):
            raise ValueError(f"admin and a protocol cannot share port {port}")
        return self

    @model_validator(mode="after")
    def _grace_is_part_of_drain(self) -> Self:
        if self.grace > self.drain:
            raise ValueError("listen.grace must not exceed listen.drain")
        return self


class TlsSettings(Section):
    """Certificates for HTTPS and WSS, read again on SIGHUP."""

    cert: Path | None = Field(None, description="PEM file of the certificate chain")
    key: Path | None = Field(None, description="PEM file of the private key")

    @model_validator(mode="after")
    def _both_or_none(self) -> Self:
        if (self.cert is None) != (self.key is None):
            raise ValueError("tls.cert and tls.key go together")
        return self


class RedisSettings(Section):
    """The shared state."""

    url: SecretStr | None = Field(
        None,
        description="redis://, rediss://, unix://, redis+sentinel://HOSTS/SERVICE or "
        "redis+cluster://HOSTS; none: an embedded Redis",
    )
    timeout: float = Field(1.5, gt=0, description="seconds that a reply may take")
    max_in_flight: int = Field(20_000, ge=1, description="requests that may wait for replies")
    reconnect_max: float = Field(1.0, gt=0, description="longest pause between attempts, seconds")
    embedded_memory: int = Field(
        1024, ge=16, description="bound of the embedded Redis's memory, MiB"
    )

    @field_validator("url")
    @classmethod
    def _is_redis(cls, url: SecretStr | None) -> SecretStr | None:
        if url:
            check_redis_url(url.get_secret_value())
        return url


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
    max_message: int = Field(65_536, ge=1024, description="bytes of a message from a browser")
    max_offers: int = Field(10, ge=0, description="offers used of one announce")
    max_scrape: int = Field(100, ge=1, description="info_hashes in one scrape")
    max_pending: int = Field(500, ge=1, description="unanswered offers remembered per socket")
    max_buffer: int = Field(
        262_144, ge=65_536, description="unread bytes at which a browser is cut"
    )
    messages_per_second: float = Field(
        200.0, gt=0, description="frames and offers of one socket, on average"
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


class ClusterSettings(Section):
    """Frontends that share one Redis."""

    heartbeat: float = Field(5.0, gt=0, description="seconds between a frontend's signs of life")
    dead_after: float = Field(
        15.0, gt=0, description="a frontend that gave no sign for so many seconds is dead"
    )
    max_relay: int = Field(
        16_777_216,
        ge=65_536,
        description="bytes of offers and answers on their way to other frontends",
    )

    @model_validator(mode="after")
    def _survives_a_lost_beat(self) -> Self:
        if self.dead_after <= 2 * self.heartbeat:
            raise ValueError("cluster.dead_after must exceed twice cluster.heartbeat")
        return self


class LimitsSettings(Section):
    """Budgets of one address, and of the process; `docs/security.md` has their reasons."""

    ipv6_prefix: int = Field(
        64, ge=16, le=128, description="bits of an IPv6 address that stand for one client"
    )
    work_per_second: float = Field(
        1000.0, gt=0, description="requests of one address, on average; a TLS handshake is 20"
    )
    work_burst: int = Field(10_000, ge=100, description="requests of one address at once")
    entries_per_second: float = Field(
        14.0,
        gt=0,
        description="announces of one address that enter or refresh a peer, on average, at all "
        "frontends of a protocol; over it a peer gets peers and is not stored",
    )
    entries_burst: int = Field(
        4000, ge=1, description="announces of one address that enter or refresh a peer, at once"
    )
    endpoints_per_swarm: int = Field(
        100, ge=1, le=65_535, description="peers of one address in one swarm"
    )
    browsers_per_swarm: int = Field(16, ge=1, le=65_535, description="the same, of browsers")
    addresses: int = Field(100_000, ge=100, description="addresses whose use is remembered at once")
    socket_memory_kib: int = Field(
        1024, ge=128, description="memory that one socket may make the process hold"
    )
    address_memory_mib: int = Field(
        64, ge=1, description="memory that one address may make the process hold"
    )
    memory_mib: int | None = Field(
        None,
        ge=16,
        description="memory that all clients may make the process hold; none: a quarter of what "
        "the container or machine allows",
    )
    in_flight: int = Field(
        256, ge=16, description="requests that wait for Redis, above which UDP is served fairly"
    )
    scraped_hashes: int = Field(
        4096, ge=1, description="info_hashes of scrapes that may wait for Redis at once"
    )
    turn_time: float = Field(
        0.005, gt=0, description="seconds of work for clients over TCP before others are looked at"
    )
    handshakes: int = Field(256, ge=1, description="TLS handshakes in progress at once, on a port")
    redis_full_percent: float = Field(
        90.0,
        gt=0,
        le=100,
        description="share of a Redis server's maxmemory above which no new swarms are stored",
    )


class WorkersSettings(Section):
    """The background jobs."""

    lease: float = Field(
        15.0, ge=1, description="seconds after which another worker takes over from a dead one"
    )
    statistics_period: float = Field(30.0, gt=0, description="seconds between two countings")
    history_period: float = Field(300.0, gt=0, description="seconds between points of history")
    history_length: int = Field(288, ge=1, description="points of history that are kept")
    top_swarms: int = Field(20, ge=0, description="largest swarms that are told of")


class AccessSettings(Section):
    """Lists of info_hashes, one in hex a line, that the background jobs publish for all."""

    allow: str | None = Field(None, description="file or URL of the only info_hashes to serve")
    deny: str | None = Field(None, description="file or URL of info_hashes to refuse")
    period: float = Field(60.0, gt=0, description="seconds after which they are read again")
    max_entries: int = Field(1_000_000, ge=1, description="info_hashes in one list")


class LogSettings(Section):
    """One line an event, on standard error."""

    level: Literal["debug", "info", "warning", "error"] = Field("info", description="least level")
    json_lines: bool = Field(False, description="JSON instead of text")


class Settings(Section):
    """All of them."""

    listen: ListenSettings = ListenSettings()
    tls: TlsSettings = TlsSettings()
    redis: RedisSettings = RedisSettings()
    announce: AnnounceSettings = AnnounceSettings()
    http: HttpSettings = HttpSettings()
    udp: UdpSettings = UdpSettings()
    ws: WsSettings = WsSettings()
    cluster: ClusterSettings = ClusterSettings()
    limits: LimitsSettings = LimitsSettings()
    workers: WorkersSettings = WorkersSettings()
    access: AccessSettings = AccessSettings()
    log: LogSettings = LogSettings()

    @model_validator(mode="after")
    def _sections_agree(self) -> Self:
        if self.udp.proxy_protocol and not self.listen.trusted_proxies:
            raise ValueError("udp.proxy_protocol needs trusted_proxies: whose heads to believe")
        if self.listen.proxy_protocol and self.tls.cert is not None:
            raise ValueError("listen.proxy_protocol and tls.cert: let the proxy end TLS")
        return self
