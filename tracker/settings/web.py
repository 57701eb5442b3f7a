"""The pages for people."""

from pydantic import Field

from tracker.settings.section import Section


class WebSettings(Section):
    """Pages on the public port."""

    streams: int = Field(
        1000, ge=0, description="open pages that one process keeps up to date; others do not move"
    )
    streams_per_address: int = Field(20, ge=0, description="the same, of one address")
