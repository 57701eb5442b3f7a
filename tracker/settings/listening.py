"""Where a process listens, whom it trusts there, and how it stops."""

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from tracker.host_port import shared_port, split_host_port
from tracker.network import Network
from tracker.public_url import checked_url
from tracker.settings.section import Section

ProtocolName = Literal["http", "udp", "ws"]


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
    admin: str = Field(
        "127.0.0.1:8001",
        description="HOST:PORT of health, readiness, metrics; the default moves if it is in use",
    )
    admin_hosts: tuple[str, ...] = Field(
        (), description="further names by which clients may address the admin port"
    )
    backlog: int = Field(4096, ge=1, description="TCP connections the kernel may hold for us")
    socket_buffer: int = Field(
        65_536, ge=4096, description="bytes the kernel may buffer of a TCP connection, each way"
    )
    public_url: tuple[str, ...] = Field(
        (),
        description="announce URLs to show, in place of those of the same protocol that are "
        "derived from the visitor's URL; udp://:PORT: at the visitor's host",
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
    drain: float = Field(10.0, ge=0, description="seconds to finish in after a signal to stop")
    grace: float = Field(
        1.0, ge=0, description="of these, seconds in which new connections are still served"
    )

    @property
    def admin_moves(self) -> bool:
        """Whether the admin port may be another one: no flag, variable or file names it."""
        return "admin" not in self.model_fields_set

    def port_of(self, protocol: ProtocolName) -> tuple[int, str]:
        """Return the port of a protocol (0: any free one), and the flag that sets it."""
        own = {"http": self.http_port, "ws": self.ws_port, "udp": self.udp_port}[protocol]
        return (self.port, "--port") if own is None else (own, f"--{protocol}-port")

    @property
    def tcp_ports(self) -> set[int]:
        """The ports of HTTP and WebSocket; 0: one that is free."""
        return {self.port_of(name)[0] for name in self.only - {"udp"}}

    @field_validator("public_url")
    @classmethod
    def _are_announce_urls(cls, urls: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(map(checked_url, urls))

    @field_validator("admin")
    @classmethod
    def _is_host_port(cls, admin: str) -> str:
        split_host_port(admin)
        return admin

    @model_validator(mode="after")
    def _proxies_are_known(self) -> Self:
        if self.trusted_proxies and self.trusted_hops is not None:
            raise ValueError("trusted_proxies and trusted_hops exclude each other")
        if self.client_header and self.trusted_hops not in (None, 1):
            raise ValueError("client_header names one address: it needs trusted_hops = 1")
        if self.proxy_protocol and not self.trusted_proxies:
            raise ValueError("proxy_protocol needs trusted_proxies: whose heads to believe")
        return self

    @model_validator(mode="after")
    def _admin_has_a_port_of_its_own(self) -> Self:
        port = shared_port(self.admin, self.host, self.tcp_ports)
        if port and not self.admin_moves:
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
