"""The shared state, the frontends that share it, and the background jobs."""

from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, field_validator, model_validator

from tracker.redis_url import check_redis_url
from tracker.settings.section import Section


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
    embedded_keep: bool = Field(
        True, description="save the data of the embedded Redis at stop, and load them at start"
    )
    embedded_dir: Path | None = Field(
        None,
        description="directory for these data, one for each tracker; none: "
        "tracker-cluster/PORT in $XDG_STATE_HOME or ~/.local/state",
    )

    @field_validator("url")
    @classmethod
    def _is_redis(cls, url: SecretStr | None) -> SecretStr | None:
        if url:
            check_redis_url(url.get_secret_value())
        return url


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
    statistics_period: float = Field(
        10.0,
        gt=0,
        description="seconds between two counts of all swarms; twice the time that a count takes, "
        "if that is longer",
    )
    history_period: float = Field(300.0, gt=0, description="seconds between points of history")
    history_length: int = Field(288, ge=1, le=2000, description="points of history that are kept")
    recent_period: float = Field(15.0, gt=0, description="seconds between points of recent history")
    recent_length: int = Field(
        240, ge=1, le=2000, description="points of recent history that are kept"
    )
    top_swarms: int = Field(20, ge=0, description="largest swarms that are told of")


class AccessSettings(Section):
    """Lists of info_hashes, one in hex a line, that the background jobs publish for all."""

    allow: str | None = Field(None, description="file or URL of the only info_hashes to serve")
    deny: str | None = Field(None, description="file or URL of info_hashes to refuse")
    period: float = Field(60.0, gt=0, description="seconds after which they are read again")
    max_entries: int = Field(1_000_000, ge=1, description="info_hashes in one list")
