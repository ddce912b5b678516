"""Entries as somebody typed them: read, or refused with every reason at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from handshake.core.problem import Location, Problem, ProblemsError
from handshake.edge.lists.entry import find_protected, read_entry
from handshake.edge.lists.kind import ListKind
from handshake.edge.lists.shape import ListShape

_EXAMPLES = {
    ListKind.ADDRESS: "Write 203.0.113.7 or 2001:db8::1.",
    ListKind.NETWORK: "Write 203.0.113.7, 203.0.113.0/24 or 2001:db8::/48.",
    ListKind.TEXT: "Write the whole text, in quotes.",
}


def read_typed(shape: ListShape, texts: Sequence[str], *, is_exact: bool = False) -> list[str]:
    """Return what somebody typed in canonical form, each once; ProblemsError names every one that is no entry."""
    entries: list[str] = []
    problems: list[Problem] = []
    for text in texts:
        try:
            entries.append(read_entry(shape.kind, text, is_exact=is_exact))
        except ValueError as error:
            problems.append(_problem("edge-bad-address", str(error), text, _EXAMPLES[shape.kind]))
    if problems:
        raise ProblemsError(problems)
    return list(dict.fromkeys(entries))


def demand_unprotected(shape: ListShape, entries: Sequence[str]) -> Iterator[Problem]:
    """Tell of every entry that touches what the list protects."""
    find = find_touched(shape)
    for entry in entries:
        if other := find(entry):
            yield _problem(
                "edge-protected",
                f"{entry} touches {other}, which list {shape.name} protects",
                entry,
                "Take it off `protected` in edge.toml first, by a policy release.",
            )


def find_touched(shape: ListShape) -> Callable[[str], object]:
    """Return what finds the protected thing that an entry touches, None where it touches none."""
    if shape.kind is ListKind.TEXT:
        protected = frozenset(shape.protected_texts)
        return lambda entry: entry if entry in protected else None
    return find_protected(shape.protected)


def _problem(check: str, what: str, where: str, hint: str) -> Problem:
    return Problem(check=check, what=what, where=Location(file=where), hint=hint)
