"""Which way requests go on, for the example campaign."""

from __future__ import annotations

from pathlib import Path

import pytest

from handshake.campaign.edge_cases import find_way
from handshake.campaign.policy import read_policy

CAMPAIGN = Path(__file__).parents[3] / "examples" / "campaign"


@pytest.mark.parametrize(
    ("request_line", "way"),
    [
        ("GET /calls/x", "site calls 0"),
        ("GET /calls", "site calls 308"),
        ("POST /calls/x", "site calls 405"),
        ("GET /callsign", "service secretary 0"),
        ("POST /api/hamm/donations", "service hamm 0"),
        ("GET /api/openapi.json", "gateway  0"),
        ("PATCH /", "service secretary 405"),
    ],
)
def test_ways(request_line: str, way: str) -> None:
    """A site's mount comes first, then the longest route; what neither lets through is answered at once."""
    found = find_way(read_policy(CAMPAIGN), *request_line.split())
    assert f"{found.kind} {found.name} {found.status}" == way
