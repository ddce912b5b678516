"""The head of handshake.toml: which campaign, on which machines."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from handshake.config.settings import Settings
from handshake.core.release import parse_name

Name = Annotated[str, AfterValidator(parse_name)]


class CampaignHead(Settings):
    """What is known of a campaign before its parts are."""

    name: Name = Field(description="The campaign's name; part of paths.")
    nodes: tuple[Name, ...] = Field(default=("n1",), min_length=1, description="The machines with an agent.")
