"""Every setting, declared once: its default, unit, bounds and meaning.

A section is handed to the part that it is named after; only `tracker.cli` and `tracker.app` see
the whole. Names: section `ws`, field `interval` is the flag ``--ws-interval``, the environment's
``TRACKER_WS_INTERVAL`` and the TOML file's ``[ws] interval``. Only the section `listen` leaves
its name out of flags and environment: ``--port``, ``TRACKER_PORT``, ``[listen] port``.
"""

from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from tracker.host_port import split_host_port

Network = IPv4Network | IPv6Network
ProtocolName = Literal["http", "udp", "ws"]

MONTH = 2_592_000  # seconds


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
    backlog: int = Field(4096, ge=1, description="TCP connections the kernel may hold for us")
    trusted_proxies: tuple[Network, ...] = Field(
        (), description="networks whose X-Forwarded-For, Forwarded and PROXY heads are believed"
    )
    proxy_protocol: bool = Field(
        False, description="TCP connections from trusted proxies begin with PROXY v1 or v2"
    )
    max_connections: int = Field(50_000, ge=1, description="TCP connections open at once")
    max_connections_per_address: int = Field(
        0, ge=0, description="TCP connections of one address open at once; 0: no limit"
    )
    with_workers: bool = Field(
        False, description="run the background jobs inside, as is done with an embedded Redis"
    )
    processes: int = Field(1, ge=1, le=256, description="processes that serve the same ports")
    drain: float = Field(10.0, ge=0, description="seconds to finish in after SIGTERM or SIGINT")
    grace: float = Field(
        1.0, ge=0, description="of these, seconds in which new connections are still served"
    )

    @field_validator("admin")
    @classmethod
    def _is_host_port(cls, admin: str) -> str:
        split_host_port(admin)
        return admin

    @model_validator(mode="after")
    def _proxies_are_known(self) -> Self:
        if self.proxy_protocol and not self.trusted_proxies:
            raise ValueError("proxy_protocol needs trusted_proxies: whose heads to believe")
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


REDIS_SCHEMES = (
    *("redis://", "rediss://", "unix://"),
    *("redis+sentinel://", "rediss+sentinel://", "redis+cluster://", "rediss+cluster://"),
)


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
        if url and not url.get_secret_value().startswith(REDIS_SCHEMES):
            raise ValueError(f"a Redis URL begins with one of {' '.join(REDIS_SCHEMES)}")
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
    completed_ttl: int = Field(
        2_592_000, ge=1, description="seconds that a silent swarm's completed count is kept"
    )
    completed_memory: int = Field(
        86_400, ge=1, description="seconds in which a peer's completed counts only once"
    )
    client_addresses: bool = Field(
        False, description="believe the addresses that announces name (private networks only)"
    )
    per_address: int = Field(
        0, ge=0, description="HTTP and UDP announces of one address in a second; 0: no limit"
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
    request_timeout: float = Field(10.0, gt=0, description="seconds in which a head must be whole")
    keepalive: float = Field(60.0, gt=0, description="seconds that an idle connection is kept")
    max_scrape: int = Field(100, ge=1, description="info_hashes in one scrape")


class UdpSettings(Section):
    """UDP announces and scrapes (BEP 15)."""

    secret: SecretStr | None = Field(
        None,
        description="key of the connection ids, the same for all frontends; none: keys in Redis, "
        "changed by a background job",
    )
    secret_period: int = Field(
        86_400, ge=1, description="seconds after which the key in Redis is changed"
    )
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
    max_message: int = Field(65_536, ge=1024, description="bytes of a message from a browser")
    max_offers: int = Field(10, ge=0, description="offers used of one announce")
    max_scrape: int = Field(100, ge=1, description="info_hashes in one scrape")
    max_swarms: int = Field(1000, ge=1, description="swarms that one socket may be in")
    max_pending: int = Field(500, ge=1, description="unanswered offers remembered per socket")
    max_buffer: int = Field(
        1_048_576, ge=65_536, description="unsent bytes at which a slow browser is cut"
    )
    messages_per_second: float = Field(100.0, gt=0, description="of one socket, on average")
    message_burst: int = Field(500, ge=1, description="messages of one socket at once")

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
