"""Patterns: the part of regular expressions that RE2 and PCRE2 read alike."""

from __future__ import annotations

import re

import re2

_TOLD_DIFFERENTLY = re.compile(r"(?<!\\)(?:\\\\)*(\\[^\W_bBdDsSwW])")
_GROUP = re.compile(r"(?<!\\)(?:\\\\)*\((\?(?!:)[^)]*\)?)")
_IGNORE_CASE = "(?i)"


def find_pattern_fault(pattern: str) -> str:
    """Return what is wrong with a pattern as a sentence, or nothing."""
    if not pattern.isascii() or not pattern.isprintable():
        return "it holds characters outside of printable ASCII, which one engine reads as bytes"
    if found := _TOLD_DIFFERENTLY.search(pattern):
        return f"{found[1]} does not mean the same in RE2 and in PCRE2"
    if found := _GROUP.search(pattern.removeprefix(_IGNORE_CASE)):
        return f"({found[1]} does not mean the same in RE2 and in PCRE2, or is unknown to one"
    return _find_syntax_fault(pattern)


def is_found(pattern: str, text: str) -> bool:
    """Tell whether the pattern is found anywhere in the text."""
    return re2.search(pattern, text) is not None


def _find_syntax_fault(pattern: str) -> str:
    options = re2.Options()
    options.log_errors = False
    try:
        re2.compile(pattern, options)
    except re2.error as error:
        return f"RE2 says: {error.args[0].decode() if isinstance(error.args[0], bytes) else error}"
    return ""
