"""Reads ban lists in common formats, with the position of every invalid line; and prints entries in formats."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from handshake.edge.lists.entries import is_plain_ipv4, read_entry
from handshake.edge.policy.declarations import ListKind


class Format(StrEnum):
    """An output format of a list."""

    PLAIN = "plain"
    """One entry a line."""
    IPSET = "ipset"
    """What `ipset restore` reads."""
    NGINX = "nginx"
    """`deny 203.0.113.7;`, as used by fail2ban and nginx."""
    CSV = "csv"
    """entry, until, author, reason."""
    JSON = "json"
    """One object a line."""


@dataclass(frozen=True, kw_only=True)
class BadLine:
    """A line without a valid entry."""

    line: int
    column: int
    what: str


@dataclass(frozen=True, kw_only=True)
class Entries:
    """The result of reading a file."""

    found: dict[str, int]
    """Each entry in canonical form, and the line where it first occurs."""
    bad: tuple[BadLine, ...]


_COMMENT = re.compile(r"\s*(?:[#;].*|//.*)?$")
_NGINX = re.compile(r"\s*deny\s+(?P<entry>[^\s;]+)\s*;")
_IPSET = re.compile(r"\s*add\s+\S+\s+(?P<entry>\S+)")
_IPSET_HEAD = re.compile(r"\s*(?:create|flush|destroy|COMMIT)\b")
_JSON = re.compile(r'\s*\{"entry": (?P<entry>"(?:[^"\\]|\\.)*")[,}].*')
_FAIL2BAN = re.compile(r"\s*(?P<entry>[0-9a-fA-F.:/]+)\s+\d{4}-\d\d-\d\d .*")
_FIRST_WORD = re.compile(r"\s*(?P<entry>[^\s;#,]+)")
_CSV_HEADINGS = {"address", "cidr", "entry", "ip", "ip_address", "network", "range", "text", "user_agent"}
_ALLOW = re.compile(r"\s*allow\s")


_COLUMNS = ("entry", "until", "author", "reason")


def read_list(kind: ListKind, lines: Iterable[str], *, is_exact: bool = False) -> Entries:
    """Return every entry of a file, in any of the known formats, and every line without a valid one.

    Known: one entry a line, CIDR, `ipset save`, `deny x;`, fail2ban's ban list, Spamhaus DROP (`x ; SBL1`), CSV,
    and the output of `print_entries`. Strings are one a line, or as JSON.
    """
    found: dict[str, int] = {}
    bad: list[BadLine] = []
    for number, line in enumerate(lines, 1):
        place = _find_text(line) if kind is ListKind.TEXT else _find_network(line, number)
        if place is None:
            continue
        text, column = place
        try:
            found.setdefault(read_entry(kind, text, is_exact=is_exact), number)
        except ValueError as error:
            bad.append(BadLine(line=number, column=column, what=str(error)))
    return Entries(found=found, bad=tuple(bad))


def print_entries(
    which: Format, name: str, rows: Iterable[tuple[str, str, str, str]], *, kind: ListKind
) -> Iterator[str]:
    """Yield the lines of a list; a row is an entry, the end of its lease, who listed it and why."""
    match which:
        case Format.PLAIN:
            yield from (entry for entry, _, _, _ in rows)
        case Format.NGINX:
            yield from (f"deny {entry};" for entry, _, _, _ in rows)
        case Format.IPSET:
            yield from _print_ipset(name, [entry for entry, _, _, _ in rows], kind)
        case Format.CSV:
            yield ",".join(_COLUMNS)
            yield from (_print_csv(row) for row in rows)
        case Format.JSON:
            yield from (json.dumps(dict(zip(_COLUMNS, row, strict=True))) for row in rows)


def _find_text(line: str) -> tuple[str, int] | None:
    text = line.strip()
    if not text or text.startswith("#"):
        return None
    if found := _JSON.fullmatch(line.rstrip()):
        return json.loads(found["entry"]), found.start("entry") + 1
    return text, line.index(text) + 1


def _find_network(line: str, number: int) -> tuple[str, int] | None:
    """Return the position of an address or a network in a line; None if there is none."""
    bare = line.strip()
    if is_plain_ipv4(bare):
        return bare, 1
    if _COMMENT.fullmatch(bare) or _IPSET_HEAD.match(line) or _ALLOW.match(line):
        return None
    for pattern in (_NGINX, _IPSET, _JSON, _FAIL2BAN, _FIRST_WORD):
        if found := pattern.match(line):
            break
    else:
        return line.strip(), 1
    text = found["entry"].strip('"')
    if number == 1 and text.lower() in _CSV_HEADINGS:
        return None
    return text, found.start("entry") + 1


def _print_ipset(name: str, entries: list[str], kind: ListKind) -> Iterator[str]:
    """An ipset has one address family, so there are two sets."""
    kind_of_set = "hash:ip" if kind is ListKind.ADDRESS else "hash:net"
    for set_name, family, is_own in ((name, "inet", False), (f"{name}6", "inet6", True)):
        own = [entry for entry in entries if (":" in entry) is is_own]
        if own:
            yield f"create {set_name} {kind_of_set} family {family} maxelem {max(65_536, len(own))}"
            yield from (f"add {set_name} {entry}" for entry in own)


def _print_csv(row: tuple[str, str, str, str]) -> str:
    target = io.StringIO()
    csv.writer(target, lineterminator="").writerow(row)
    return target.getvalue()
