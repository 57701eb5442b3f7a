"""What all groups of settings share."""

from pydantic import BaseModel, ConfigDict

MONTH = 2_592_000  # seconds


class Section(BaseModel):
    """A group of settings: frozen, and refusing names that it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")
