"""The fewest networks that say of every address what a row of ranges says, where the longest match counts.

After Draves, King, Venkatachary and Zill, "Constructing Optimal IP Routing Tables" (INFOCOM 1999).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

_TOP_BITS = 8
"""The space is worked on in 256 parts, so that only one part's tree is in memory."""

Candidates: TypeAlias = int
"""A set of labels, each of them one bit: a million of Python's sets would be slow."""
Tree: TypeAlias = "Candidates | tuple[Candidates, Tree, Tree]"
"""A block of addresses: of one label, or with its two halves and the labels that are cheapest for the whole."""


@dataclass(frozen=True, kw_only=True)
class Prefix:
    """A network and what is said of it."""

    first: int
    free_bits: int
    label: int


@dataclass(frozen=True, kw_only=True)
class _Runs:
    """Runs of addresses: where each begins, and its label."""

    starts: Sequence[int]
    candidates: Sequence[Candidates]


def cover(starts: Sequence[int], labels: Sequence[int], *, bits: int) -> Iterator[Prefix]:
    """Yield the networks for runs of addresses that begin at `starts` (the first at 0) and have these labels.

    Label 0 is what holds where no network matches; labels count from there.
    """
    size = bits - _TOP_BITS
    runs = _Runs(starts=starts, candidates=[1 << label for label in labels])
    for first in range(0, 1 << bits, 1 << size):
        begin = bisect_right(starts, first) - 1
        end = bisect_left(starts, first + (1 << size))
        tree = _build(runs, first, size, begin, end)
        yield from _select(tree, first, size, 1)


def _build(runs: _Runs, first: int, free_bits: int, begin: int, end: int) -> Tree:
    if end - begin == 1:
        return runs.candidates[begin]
    half = free_bits - 1
    middle = first + (1 << half)
    cut = bisect_left(runs.starts, middle, begin, end)
    begins_there = cut < end and runs.starts[cut] == middle
    left = _build(runs, first, half, begin, cut)
    right = _build(runs, middle, half, cut if begins_there else cut - 1, end)
    mine, yours = _candidates_of(left), _candidates_of(right)
    return (mine & yours or mine | yours, left, right)


def _select(tree: Tree, first: int, free_bits: int, inherited: Candidates) -> Iterator[Prefix]:
    candidates = _candidates_of(tree)
    if not candidates & inherited:
        inherited = candidates & -candidates
        yield Prefix(first=first, free_bits=free_bits, label=inherited.bit_length() - 1)
    if isinstance(tree, tuple):
        half = free_bits - 1
        yield from _select(tree[1], first, half, inherited)
        yield from _select(tree[2], first + (1 << half), half, inherited)


def _candidates_of(tree: Tree) -> Candidates:
    return tree[0] if isinstance(tree, tuple) else tree
