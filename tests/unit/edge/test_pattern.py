"""Patterns: only what RE2 and PCRE2 read alike."""

from __future__ import annotations

import pytest

from handshake.edge.policy.expression import find_pattern_fault


@pytest.mark.parametrize(
    "pattern", ["^WordPress", r"\.php$", "(?i)bot|crawl", "a{2,3}?", "[^/]+", r"\d\\", "(?:a|b)*", ""]
)
def test_shared_patterns(pattern: str) -> None:
    """What both engines read alike is accepted."""
    assert find_pattern_fault(pattern) == ""


@pytest.mark.parametrize(
    "pattern",
    [
        "(?=a)",
        "(?<!a)b",
        r"(a)\1",
        r"\p{L}",
        r"\Qa\E",
        r"\z",
        "a++",
        "(?P<x>a)",
        "a(?i)b",
        "(",
        "[a",
        "é",
        r"\x41",
    ],
)
def test_patterns_of_one_engine(pattern: str) -> None:
    """What one engine refuses or reads differently is refused, with the reason."""
    assert find_pattern_fault(pattern)
