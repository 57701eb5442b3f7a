"""Every setting, declared once: its default, unit, bounds and meaning.

A section is handed to the part that it is named after; only `tracker.cli` and `tracker.app` see
the whole. Names: section `ws`, field `interval` is the flag ``--ws-interval``, the environment's
``TRACKER_WS_INTERVAL`` and the TOML file's ``[ws] interval``. Only the section `listen` leaves
its name out of flags and environment: ``--port``, ``TRACKER_PORT``, ``[listen] port``.
"""

from typing import Literal, Self

from pydantic import Field, model_validator

from tracker.settings.cluster import (
    AccessSettings,
    ClusterSettings,
    RedisSettings,
    WorkersSettings,
)
from tracker.settings.ice import IceSettings
from tracker.settings.limits import LimitsSettings
from tracker.settings.listening import ListenSettings, ProtocolName, TlsSettings
from tracker.settings.protocols import AnnounceSettings, HttpSettings, UdpSettings, WsSettings
from tracker.settings.section import MONTH, Section
from tracker.settings.web import WebSettings

__all__ = [
    "MONTH",
    "AccessSettings",
    "AnnounceSettings",
    "ClusterSettings",
    "HttpSettings",
    "IceSettings",
    "LimitsSettings",
    "ListenSettings",
    "LogSettings",
    "ProtocolName",
    "RedisSettings",
    "Section",
    "Settings",
    "TlsSettings",
    "UdpSettings",
    "WebSettings",
    "WorkersSettings",
    "WsSettings",
]


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
    web: WebSettings = WebSettings()
    ice: IceSettings = IceSettings()
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
