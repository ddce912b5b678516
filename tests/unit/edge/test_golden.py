"""Each golden case is an `edge.toml` and what becomes of it: ingress and cache, or its problems.

`ACCEPT_GOLDEN=1 pytest tests/unit/edge/test_golden.py` writes what becomes of it now; read it in review.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.unit.edge.compiled import FOLDER, become, join, split

CASES = sorted(FOLDER.glob("*.txt"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_golden(case: Path) -> None:
    """A policy becomes exactly the configurations, or the problems, that its case says."""
    policy, expected = split(case)
    found = become(policy)
    if os.environ.get("ACCEPT_GOLDEN"):
        case.write_text(join(policy, found))
        expected = found
    assert found == expected


def test_cases_exist() -> None:
    """The folder of cases is found."""
    assert CASES
