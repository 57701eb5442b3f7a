"""What clients may make a process hold or do."""

from pydantic import Field

from tracker.settings.section import Section


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
