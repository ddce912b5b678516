"""`_headers`: parsed, and applied to a response."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from urllib.parse import urlsplit

from handshake.core.hop_header import HOP_PREFIX
from handshake.core.problem import Problem
from handshake.release.manifest import HeaderRule, RulesDialect
from handshake.site.rules import RuleLine, fill_in, find_fault, match, normalise, placeholders, read_lines

HEADERS_FILE = "_headers"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*")
_OWN = frozenset(
    {
        "accept-ranges",
        "age",
        "basic-auth",
        "connection",
        "content-encoding",
        "content-length",
        "content-range",
        "date",
        "etag",
        "keep-alive",
        "location",
        "server",
        "set-cookie",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "vary",
        "via",
        "x-request-id",
    }
)
"""Headers that the edge must control, or that would leak one visitor's response to another."""


def parse_headers(
    text: str, *, shown_as: str, dialect: RulesDialect
) -> tuple[tuple[HeaderRule, ...], list[Problem]]:
    """Return the file's rules in their order, and a problem for each line that cannot be kept."""
    rules: list[HeaderRule] = []
    problems: list[Problem] = []
    for line in read_lines(text, shown_as):
        if not line.is_indented:
            faults = _check_path(line, dialect)
            problems += faults
            rules.append(HeaderRule(pattern="" if faults else normalise(line.text)))
        elif not rules:
            problems.append(_syntax(line, "a header comes before the first path"))
        elif not rules[-1].pattern:
            continue
        elif problem := _check_header(line, rules[-1], dialect):
            problems.append(problem)
        else:
            rules[-1] = _add(rules[-1], line.text)
    return tuple(rule for rule in rules if rule.pattern and (rule.sets or rule.unsets)), problems


def find_headers(rules: Iterable[HeaderRule], path: str, dialect: RulesDialect) -> dict[str, str | None]:
    """Return what the rules make of an answer to a path: a value for each name, None for a name removed."""
    found: dict[str, str | None] = {}
    for rule in rules:
        values = match(rule.pattern, path, dialect)
        if values is None:
            continue
        for name in rule.unsets:
            found[name.lower()] = None
        for name, text in rule.sets:
            before, value = found.get(name.lower()), fill_in(text, values)
            found[name.lower()] = value if before is None else f"{before}, {value}"
    return found


def is_own(name: str) -> bool:
    """Return whether a header is the edge's to say."""
    return name.lower() in _OWN or name.lower().startswith(HOP_PREFIX.lower())


def _add(rule: HeaderRule, text: str) -> HeaderRule:
    if text.startswith("!"):
        return replace(rule, unsets=(*rule.unsets, text.removeprefix("!").strip()))
    name, _, value = text.partition(":")
    return replace(rule, sets=(*rule.sets, (name.strip(), value.strip())))


def _check_path(line: RuleLine, dialect: RulesDialect) -> list[Problem]:
    if urlsplit(line.text).scheme in {"http", "https"}:
        return [_unsupported(line, "the rule contains a host; a site's rules are relative to its root")]
    if fault := find_fault(line.text, dialect):
        return [_syntax(line, f"the path {line.text!r} {fault}")]
    return []


def _check_header(line: RuleLine, rule: HeaderRule, dialect: RulesDialect) -> Problem | None:
    is_unset = line.text.startswith("!")
    name, colon, value = line.text.removeprefix("!").partition(":")
    name = name.strip()
    if not _NAME.fullmatch(name) or is_unset == bool(colon) or (colon and not value.strip()):
        return _syntax(line, "the line is neither `Name: value` nor `! Name`")
    if not value.isprintable() or not value.isascii():
        return _syntax(line, f"the value of {name} contains a character that is not allowed in headers")
    if is_unset and dialect is RulesDialect.NETLIFY:
        return _unsupported(line, "Netlify's dialect does not support !")
    if is_own(name):
        return _unsupported(line, f"{name} is set by the edge")
    if unknown := _unknown_names(value, rule.pattern):
        return _syntax(line, f"the value uses :{unknown}, which the path does not define")
    return None


def _unknown_names(value: str, pattern: str) -> str:
    """Return a placeholder that nothing fills; only `:splat` is one beyond doubt, as values hold colons."""
    return "splat" if "splat" in placeholders(value.replace("*", "")) - placeholders(pattern) else ""


def _syntax(line: RuleLine, what: str) -> Problem:
    hint = "Write a path at the start of a line, and below it, indented, `Name: value`."
    return Problem(check="header-syntax", what=what, where=line.where, hint=hint)


def _unsupported(line: RuleLine, what: str) -> Problem:
    hint = "Remove the line; docs/reference/site-files.md lists what the edge adds by itself."
    return Problem(check="header-unsupported", what=what, where=line.where, hint=hint)
