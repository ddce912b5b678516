"""Selects among many constant texts by binary search: eight comparisons for two hundred, where a chain needs a hundred."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from handshake.syntax.vcl import Branch, If, Statement, quote

_FEW = 3


@dataclass(frozen=True, kw_only=True)
class Leaf:
    """A text, and what happens if the subject equals it (or, in a range, is not before it)."""

    key: str
    body: tuple[Statement, ...]


def decide(subject: str, leaves: Sequence[Leaf]) -> tuple[Statement, ...]:
    """Return the statements that run the body of the leaf whose key the subject equals, or nothing."""
    ordered = sorted(leaves, key=lambda leaf: leaf.key)
    if not ordered:
        return ()
    if len(ordered) <= _FEW:
        return (
            If(
                branches=tuple(
                    Branch(condition=f"{subject} == {quote(its.key)}", body=its.body) for its in ordered
                )
            ),
        )
    middle = len(ordered) // 2
    return _halve(
        subject, ordered[middle].key, decide(subject, ordered[:middle]), decide(subject, ordered[middle:])
    )


def decide_range(subject: str, leaves: Sequence[Leaf]) -> tuple[Statement, ...]:
    """Return the statements that run the body of the last leaf, in order, whose key is not behind the subject."""
    if not leaves:
        return ()
    if len(leaves) == 1:
        return leaves[0].body
    middle = len(leaves) // 2
    return _halve(
        subject,
        leaves[middle].key,
        decide_range(subject, leaves[:middle]),
        decide_range(subject, leaves[middle:]),
    )


def _halve(
    subject: str, key: str, below: tuple[Statement, ...], above: tuple[Statement, ...]
) -> tuple[Statement, ...]:
    branches = (Branch(condition=f"{subject} < {quote(key)}", body=below), Branch(condition="", body=above))
    return (If(branches=branches),)
