"""`_headers`: what its blocks mean, and what is said of lines that mean nothing."""

import pytest

from handshake.release.manifest import HeaderRule, RulesDialect
from handshake.site.headers import find_headers, parse_headers

TEXT = """
/*
  X-Frame-Options: DENY
  Cache-Control: public
/fonts/*
  ! X-Frame-Options
  Cache-Control: max-age=60
/u/:name
  X-User: :name
"""


def checks_of(text: str, dialect: RulesDialect = RulesDialect.NETLIFY) -> list[tuple[str, int]]:
    """Return the checks that a text fails, each with its line."""
    return [
        (its.check, its.where.line) for its in parse_headers(text, shown_as="_headers", dialect=dialect)[1]
    ]


def test_reads_blocks() -> None:
    """A path at the beginning of a line, below it what it sets and takes off."""
    rules, problems = parse_headers(TEXT, shown_as="_headers", dialect=RulesDialect.CLOUDFLARE)
    assert problems == []
    assert rules[1] == HeaderRule(
        pattern="/fonts/*", sets=(("Cache-Control", "max-age=60"),), unsets=("X-Frame-Options",)
    )
    assert len(rules) == 3


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/x", {"x-frame-options": "DENY", "cache-control": "public"}),
        ("/fonts/a", {"x-frame-options": None, "cache-control": "public, max-age=60"}),
        ("/u/ada", {"x-frame-options": "DENY", "cache-control": "public", "x-user": "ada"}),
    ],
)
def test_finds_what_rules_make_of_an_answer(path: str, expected: dict[str, str | None]) -> None:
    """All rules that match apply in their order; values of one name are joined."""
    rules, _ = parse_headers(TEXT, shown_as="_headers", dialect=RulesDialect.CLOUDFLARE)
    assert find_headers(rules, path, RulesDialect.CLOUDFLARE) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("  X-A: b", [("header-syntax", 1)]),
        ("a\n  X-A: b", [("header-syntax", 1)]),
        ("/a\n  X-A", [("header-syntax", 2)]),
        ("/a\n  X-A:", [("header-syntax", 2)]),
        ("/a\n  X_A: b", [("header-syntax", 2)]),
        ("/a\n  X-A: \u00e9", [("header-syntax", 2)]),
        ("/a\n  X-A: :splat", [("header-syntax", 2)]),
        ("/a\n  ! X-A", [("header-unsupported", 2)]),
        ("/a\n  Set-Cookie: a=b", [("header-unsupported", 2)]),
        ("/a\n  X-HS-Release: x", [("header-unsupported", 2)]),
        ("https://a.org/*\n  X-A: b", [("header-unsupported", 1)]),
    ],
)
def test_tells_every_problem_with_its_line(text: str, expected: list[tuple[str, int]]) -> None:
    """What cannot be kept is told with its line, and nothing is left out in silence."""
    assert checks_of(text) == expected
