"""The sentences that operators read, each beside its name in one file, so that wording changes in one place.

`ACCEPT_GOLDEN=1 pytest tests/unit/sentences` writes what is said now; read it in review.
"""

from __future__ import annotations

import os
from pathlib import Path

from tests.unit.sentences.fleets import tell_fleets
from tests.unit.sentences.headlines import tell_headlines
from tests.unit.sentences.refusals import tell_refusals

FILE = Path(__file__).parents[2] / "golden" / "sentences.txt"


def test_sentences() -> None:
    """Every sentence is worded as the file has it, and the file has no other."""
    told = tell_fleets() | tell_headlines() | tell_refusals()
    lines = [f"{name}: {' / '.join(sentence.splitlines())}" for name, sentence in sorted(told.items())]
    if os.environ.get("ACCEPT_GOLDEN"):
        FILE.write_text("\n".join(lines) + "\n")
    assert lines == FILE.read_text().splitlines()
