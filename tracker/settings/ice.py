"""Servers that help browsers to connect to each other through NAT and firewalls."""

from typing import Self

from pydantic import Field, SecretStr, model_validator

from tracker.ice_urls import StunUrl, TurnUrl
from tracker.origins import Origin
from tracker.settings.section import Section

LEAST_SECRET = 16  # bytes; fewer can be guessed offline from one credential


class IceSettings(Section):
    """STUN and TURN servers, which pages get from ``/ice.json``."""

    stun: tuple[StunUrl, ...] = Field((), description="URLs of STUN servers: stun:HOST:PORT")
    turn: tuple[TurnUrl, ...] = Field((), description="URLs of TURN servers: turn:HOST:PORT")
    turn_secret: SecretStr | None = Field(
        None,
        description="secret shared with the TURN servers (coturn's static-auth-secret), at least "
        "16 bytes",
    )
    turn_ttl: int = Field(
        3600, ge=60, le=86_400, description="seconds for which a TURN credential is good"
    )
    origins: tuple[Origin, ...] = Field(
        (), description="origins of other websites whose pages may read /ice.json; *: all"
    )
    requests_per_minute: float = Field(
        30.0, gt=0, description="requests of one address for /ice.json, on average"
    )
    request_burst: int = Field(
        100, ge=1, description="requests of one address for /ice.json at once"
    )

    @model_validator(mode="after")
    def _turn_has_a_secret(self) -> Self:
        if self.turn_secret and len(self.turn_secret.get_secret_value().encode()) < LEAST_SECRET:
            raise ValueError(
                f"ice.turn_secret must have at least {LEAST_SECRET} bytes, or it can be guessed "
                "from a credential: create one with `openssl rand -hex 32`"
            )
        if self.turn and self.turn_secret is None:
            raise ValueError(
                "ice.turn needs ice.turn_secret, the static-auth-secret of the TURN servers: set "
                "TRACKER_ICE_TURN_SECRET"
            )
        return self
