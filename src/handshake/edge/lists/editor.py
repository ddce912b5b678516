"""Edits lists for an operator: checked against the live policy, then one transaction, then a wait for the ingresses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import ip_network

from handshake.catalog.catalog import Catalog
from handshake.core.clock import Clock
from handshake.core.problem import ProblemsError
from handshake.edge.lists.changes import FOREVER, OFF, ChangeAuthor, EntryState, ListDelta, ListEntry
from handshake.edge.lists.declared import DataReport, DeclaredPolicy, find_list, wait_for_ingresses
from handshake.edge.lists.entries import (
    ListShape,
    find_touched,
    read_typed,
    require_unprotected,
    sort_entries,
)
from handshake.edge.lists.formats import Entries
from handshake.edge.lists.lists import Compaction, Lists, print_entries
from handshake.edge.policy.declarations import ListKind
from handshake.pointers.acks import list_subject

_INGRESS_SECONDS = 10.0
_IMPORT_SECONDS = 120.0
POLICY = ChangeAuthor(author="policy", reason="edge.toml", at=0.0)
"""The author of entries that come from the policy itself."""


@dataclass(frozen=True, kw_only=True)
class Term:
    """How long entries stay."""

    seconds: float | None = None
    """None: increasing lease times, or for good."""
    is_for_good: bool = False


@dataclass(frozen=True, kw_only=True)
class Imported:
    """The result of an import."""

    done: DataReport
    listed: int
    left_out: tuple[str, ...]
    """Entries that overlap protected ones."""


@dataclass(frozen=True, kw_only=True)
class ListEditor:
    """Changes lists for an operator. Works while the control plane is down."""

    who: str
    catalog: Catalog
    clock: Clock
    lists: Lists
    compaction: Compaction
    read_live: Callable[[], DeclaredPolicy]
    nodes: tuple[str, ...]

    def add(
        self, name: str, texts: Sequence[str], *, term: Term, reason: str, is_exact: bool = False
    ) -> DataReport:
        """Add entries to a list; raise ProblemsError if one is invalid or overlaps a protected one."""
        shape = self.shape(name)
        entries = read_typed(shape, texts, is_exact=is_exact)
        if problems := list(require_unprotected(shape, entries)):
            raise ProblemsError(problems)
        said = self._list(name, entries, term, reason)
        return self._wait(shape, said, f"{_print_are(entries)} on list {name}")

    def remove(self, name: str, texts: Sequence[str], *, reason: str, is_exact: bool = False) -> DataReport:
        """Remove entries from a list."""
        shape = self.shape(name)
        entries = read_typed(shape, texts, is_exact=is_exact)
        said = self.lists.remove(name, *entries, author=self.who, reason=reason)
        return self._wait(shape, said, f"{_print_are(entries)} off list {name}")

    def add_all(self, name: str, entries: Entries, *, term: Term, reason: str) -> Imported:
        """Add everything in a file to a list, except entries that overlap protected ones."""
        shape = self.shape(name)
        find = find_touched(shape)
        left_out = tuple(entry for entry in entries.found if find(entry))
        listed = list(entries.found.keys() - left_out) if left_out else list(entries.found)
        seconds = None if term.is_for_good else term.seconds
        said = self.lists.add_all(name, listed, seconds=seconds, author=self.who, reason=reason)
        what = f"{len(listed):,} entries are on list {name}"
        done = self._wait(shape, said, what, seconds=_IMPORT_SECONDS)
        return Imported(done=done, listed=len(listed), left_out=left_out)

    def undo(self, name: str) -> DataReport:
        """Undo the last change of a list."""
        shape = self.shape(name)
        said = self.lists.undo(name, author=self.who)
        return self._wait(shape, said, f"list {name}: {said.what}", seconds=_IMPORT_SECONDS)

    def content(self, name: str) -> list[EntryState]:
        """Return the current entries of a list, including the policy's own, in display order."""
        shape = self.shape(name)
        said = {its.word.entry: its for its in self.lists.content(name)}
        # A change that removed one of the policy's own entries is not among the current entries.
        own = [entry for entry in shape.seeds if entry not in said]
        removed = self.lists.find_all(name, own) if own else {}
        said.update((entry, _seed(entry)) for entry in own if entry not in removed)
        return [said[entry] for entry in sort_entries(shape.kind, list(said))]

    def around(self, name: str, entry: str) -> list[str]:
        """Return the listed networks that still contain an entry, whatever its own state."""
        shape = self.shape(name)
        if shape.kind is not ListKind.NETWORK:
            return []
        network = ip_network(entry)
        wider = [str(network.supernet(new_prefix=bits)) for bits in range(network.prefixlen)]
        now = self.clock.now()
        found = self.lists.find_all(name, wider)
        return [each for each in wider if (its := found.get(each)) and its.word.until > now]

    def tidy(self, name: str) -> bool:
        """Fold the list's deltas if there are many: the last thing that a verb does, after its result is shown."""
        return self.compaction.compact(name, frozenset(self.shape(name).seeds))

    def shape(self, name: str) -> ListShape:
        """Return a list of the live policy; raise ProblemsError with the nearest name if there is none."""
        return find_list(self.read_live(), name)

    def _list(self, name: str, entries: Sequence[str], term: Term, reason: str) -> ListDelta:
        if term.seconds is None and not term.is_for_good:
            return self.lists.add_longer(name, *entries, author=self.who, reason=reason)
        return self.lists.add(name, *entries, seconds=term.seconds, author=self.who, reason=reason)

    def _wait(
        self, shape: ListShape, said: ListDelta, what: str, *, seconds: float = _INGRESS_SECONDS
    ) -> DataReport:
        return wait_for_ingresses(
            self.catalog,
            self.clock,
            self.nodes,
            subject=list_subject(shape.name),
            revision=said.revision,
            what=f"{what}{_print_term(said.words, self.clock.now())}",
            seconds=seconds,
        )


def _print_are(entries: Sequence[str]) -> str:
    return f"{print_entries(entries)} {'is' if len(entries) == 1 else 'are'}"


def _print_term(words: Sequence[ListEntry], now: float) -> str:
    """Return the duration, if it is the same for all."""
    ends = {word.until for word in words}
    if len(ends) != 1 or OFF in ends:
        return ""
    (until,) = ends
    return " for good" if until >= FOREVER else f" for {print_seconds(until - now)}"


def print_seconds(seconds: float) -> str:
    """Return a duration in the largest unit that fits: 10 min, 24 h, 7 d."""
    whole = round(seconds)
    for size, unit, least in ((86_400, "d", 2), (3600, "h", 1), (60, "min", 1)):
        if whole >= least * size and (whole % size == 0 or whole >= 2 * size):
            return f"{whole / size:.3g} {unit}"
    return f"{whole} s"


def _seed(entry: str) -> EntryState:
    return EntryState(word=ListEntry(entry=entry, until=FOREVER), origin=POLICY)
