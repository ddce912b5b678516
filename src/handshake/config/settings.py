"""Settings: typed tables of a configuration file. Each field's description is its entry in the reference."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Settings(BaseModel):
    """A table of a configuration file: immutable, and a key that it does not name is a problem."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=False, hide_input_in_errors=True)
