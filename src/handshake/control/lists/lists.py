"""Changes lists: each change is one transaction, and one ban is one delta."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace

from handshake.catalog.catalog import Catalog
from handshake.catalog.codec import encode
from handshake.catalog.entry import Put, Write
from handshake.catalog.keys import list_delta_key, list_key
from handshake.control.journal import journal_write
from handshake.control.lists.reader import ListReader
from handshake.control.lists.saying import Speak, Wish, list_for, list_longer, take_back, unlist
from handshake.control.lists.shelf import ListShelf
from handshake.control.lists.snapshot import SnapshotText, fold, print_snapshot
from handshake.control.lists.word import OFF, ListDelta, ListHead, Origin, Standing, Word
from handshake.core.clock import Clock
from handshake.core.errors import ConflictError, RefusedError

MOST_WORDS = 1000
"""More goes into a snapshot: a delta must stay far below what a catalogue takes as one value."""
_TRIES = 20


class Lists:
    """The lists of a campaign. Works with the control plane dead."""

    def __init__(self, catalog: Catalog, clock: Clock, shelf: ListShelf) -> None:
        self._catalog = catalog
        self._clock = clock
        self._shelf = shelf
        self._reader = ListReader(catalog, shelf)

    def add(self, name: str, *entries: str, seconds: float | None, author: str, reason: str) -> ListDelta:
        """List entries for a time or for good; return what was said, with the revision that doors acknowledge."""
        what = f"add {print_entries(entries)}"
        return self._say(
            name, entries, Wish(what=what, author=author, reason=reason, speak=list_for(seconds))
        )

    def add_longer(self, name: str, *entries: str, author: str, reason: str) -> ListDelta:
        """List entries, each for longer than the last time."""
        what = f"add {print_entries(entries)}"
        return self._say(name, entries, Wish(what=what, author=author, reason=reason, speak=list_longer))

    def remove(self, name: str, *entries: str, author: str, reason: str) -> ListDelta:
        """Take entries off a list."""
        what = f"remove {print_entries(entries)}"
        return self._say(name, entries, Wish(what=what, author=author, reason=reason, speak=unlist))

    def add_all(
        self, name: str, entries: Sequence[str], *, seconds: float | None, author: str, reason: str
    ) -> ListDelta:
        """List many entries at once."""
        what = f"import of {len(entries):,} entries"
        wish = Wish(what=what, author=author, reason=reason, speak=list_for(seconds))
        if len(entries) <= MOST_WORDS:
            return self._say(name, entries, wish)
        return self._retry(lambda: self._import(name, entries, wish))

    def undo(self, name: str, *, author: str) -> ListDelta:
        """Take back the last change of a list; what is said then can be taken back too."""
        last = next(iter(self.history(name, 1)), None)
        if last is None:
            raise RefusedError(
                f"list {name} was never changed", hint="`handshake edge wall ls` shows what it holds."
            )
        reason = last.origin.reason
        wish = Wish(what=f"undo: {last.what}", author=author, reason=reason, speak=take_back(last.words))
        if last.words:
            return self._say(name, [word.entry for word in last.words], wish)
        return self._retry(lambda: self._restore(name, wish))

    def head(self, name: str) -> ListHead:
        """Return the list as a whole; its revision is 0 where nobody ever changed it."""
        return self._reader.open(name)[1]

    def find(self, name: str, entry: str) -> Standing | None:
        """Return how an entry stands, None where nothing was ever said of it."""
        return self.find_all(name, (entry,)).get(entry)

    def find_all(self, name: str, entries: Collection[str]) -> dict[str, Standing]:
        """Return how entries stand; those of which nothing was ever said are left out."""
        return self._reader.find(self.head(name), entries)

    def content(self, name: str) -> list[Standing]:
        """Return every entry that verbs listed and whose lease has not ended."""
        now = self._clock.now()
        return list(self._reader.fold(self.head(name), lambda word: word.until > now).standings())

    def history(self, name: str, newest: int) -> list[ListDelta]:
        """Return what verbs said, newest first."""
        head = self.head(name)
        return self._reader.history(head, newest) if head.revision else []

    def _say(self, name: str, entries: Sequence[str], wish: Wish) -> ListDelta:
        def attempt() -> ListDelta:
            index, head = self._reader.open(name)
            last, now = self._reader.last_words(head, entries), self._clock.now()
            words = tuple(wish.speak(word, now) for word in last.values())
            return self._write(index, replace(head, revision=head.revision + 1), wish, now, words)

        return self._retry(attempt)

    def _import(self, name: str, entries: Sequence[str], wish: Wish) -> ListDelta:
        index, head = self._reader.open(name)
        now = self._clock.now()
        base = self._reader.fold(head)
        # An undo must find what was there before, so that lies in the regions too.
        previous = self._shelf.store(name, print_snapshot(base))
        said = [(_origin(wish, now), _speak_of(entries, base, wish.speak, now))]
        snapshot = self._shelf.store(name, print_snapshot(fold(base, said, is_kept=lambda _: True)))
        return self._write(index, _with_snapshot(head, snapshot, previous), wish, now, ())

    def _restore(self, name: str, wish: Wish) -> ListDelta:
        index, head = self._reader.open(name)
        return self._write(
            index, _with_snapshot(head, head.previous, head.snapshot), wish, self._clock.now(), ()
        )

    def _write(
        self, index: int, head: ListHead, wish: Wish, now: float, words: tuple[Word, ...]
    ) -> ListDelta:
        delta = ListDelta(revision=head.revision, what=wish.what, origin=_origin(wish, now), words=words)
        self._catalog.transact(
            [
                Put(key=list_key(head.name), value=encode(head), if_index=index),
                Write(key=list_delta_key(head.name, head.revision), value=encode(delta)),
                journal_write(wish.author, f"{head.name}: {wish.what}: {wish.reason}", now),
            ]
        )
        return delta

    def _retry(self, attempt: Callable[[], ListDelta]) -> ListDelta:
        """Several people ban at once: whoever comes second reads again."""
        for _ in range(_TRIES):
            try:
                return attempt()
            except ConflictError:
                continue
        return attempt()


def print_entries(entries: Sequence[str]) -> str:
    """Return entries as a sentence names them."""
    return entries[0] if len(entries) == 1 else f"{len(entries)} entries"


def _origin(wish: Wish, now: float) -> Origin:
    return Origin(author=wish.author, reason=wish.reason, at=now)


def _speak_of(entries: Sequence[str], base: SnapshotText, speak: Speak, now: float) -> Iterator[Word]:
    last = {its.word.entry: its.word for its in base.standings()}
    return (speak(last.get(entry) or Word(entry=entry, until=OFF), now) for entry in entries)


def _with_snapshot(head: ListHead, snapshot: str, previous: str) -> ListHead:
    revision = head.revision + 1
    return replace(head, revision=revision, snapshot=snapshot, snapshot_revision=revision, previous=previous)
