"""The head of handshake.toml (which campaign, on which machines), and the names of a policy's files."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from handshake.config.settings import Settings
from handshake.core.subject import parse_name

Name = Annotated[str, AfterValidator(parse_name)]


class CampaignHead(Settings):
    """What is known of a campaign before its parts are read."""

    name: Name = Field(description="The campaign's name. It is part of file paths.")
    nodes: tuple[Name, ...] = Field(
        default=("n1",), min_length=1, description="The names of the machines that run an agent."
    )


# The names of a policy's files.

CAMPAIGN_FILE = "handshake.toml"
EDGE_FILE = "edge.toml"
GATEWAY_FILE = "gateway.toml"
CASES_FILE = "edge_tests.toml"
"""Requests and their expected results under edge.toml: not part of the policy, but released with it."""
