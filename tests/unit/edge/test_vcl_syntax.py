"""VCL's strings: whatever the text, what is printed reads back as it was."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handshake.syntax.vcl import escape_pattern, quote

TEXTS = st.text(st.sampled_from('ab"{}+\n\t \\$%#;'), max_size=20)


def read_back(quoted: str) -> str:
    """Read strings joined by `+`, as Varnish's lexer does."""
    text = ""
    while quoted:
        opening, closing = ('{"', '"}') if quoted.startswith('{"') else ('"', '"')
        assert quoted.startswith(opening)
        end = quoted.index(closing, len(opening))
        text += quoted[len(opening) : end]
        quoted = quoted[end + len(closing) :].removeprefix(" + ")
    return text


@given(TEXTS)
def test_quoting_round_trip(text: str) -> None:
    """A quoted text reads back as itself."""
    assert read_back(quote(text)) == text


@given(TEXTS)
def test_escaped_pattern_matches_only_its_text(text: str) -> None:
    """An escaped text, as a pattern, matches exactly itself."""
    assert re.fullmatch(escape_pattern(text), text)
    assert not re.fullmatch(escape_pattern(text), text + "a")


def test_control_characters_are_refused() -> None:
    """What no VCL string can carry is an error, not a broken file."""
    with pytest.raises(ValueError, match="control character"):
        quote("a\x00")
