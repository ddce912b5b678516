"""The edge's checks and their page."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
SOURCES = sorted((ROOT / "src" / "handshake" / "edge").rglob("*.py"))
PAGE = ROOT / "docs" / "reference" / "checks-edge.md"


def test_every_check_has_its_heading() -> None:
    """The page describes exactly the checks that the code can report."""
    code = "\n".join(source.read_text() for source in SOURCES)
    named = set(re.findall(r'"(edge-[a-z-]+)"', code))
    # These two are made of a kind and a name.
    named |= {"edge-unknown-switch", "edge-unknown-list"}
    assert named == set(re.findall(r"^## (edge-[a-z-]+)$", PAGE.read_text(), re.MULTILINE))
