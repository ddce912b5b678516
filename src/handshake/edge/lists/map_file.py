"""A list's map file, which the ingress loads at start: follows the catalogue, and holds a revision before it is acknowledged."""

from __future__ import annotations

import errno
import io
import mmap
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from handshake.catalog.catalog import Catalog
from handshake.catalog.codec import decode
from handshake.catalog.keys import list_delta_key
from handshake.core.atomic_file import replacing
from handshake.core.digest import digest_bytes, digits
from handshake.core.errors import UnavailableError
from handshake.edge.ingress.compile.maps import FOREVER
from handshake.edge.lists.changes import ListDelta, ListHead
from handshake.edge.lists.entries import ListShape
from handshake.edge.lists.reader import ListReader, ListSnapshotStore
from handshake.edge.lists.snapshot import parse_snapshot

# A list's map file: the ingress loads it at every start. It holds a revision before the ingress acknowledges it.
#
# A ban on top of a million entries appends one line. An obsolete line becomes a comment in place, because of two
# lines for one key HAProxy uses the first. Partial writes after a crash are repaired when the file is opened.

"""More changes at once rewrite the file, because each key must be searched for."""
_MOST_DEAD = 10_000
_NOT = b"#"
_BASE_DIGITS = 64
_REVISION_DIGITS = 12


@dataclass(frozen=True, kw_only=True)
class MapFileMark:
    """The header line of a map file: what the file holds."""

    base: str
    """Identifies the policy's own entries."""
    revision: int


_LEASE = re.compile(rb"^([!\"$-~][!-~]*) ([0-9]+)$", re.MULTILINE)
_KEY = re.compile(rb"^([!\"$-~][!-~]*) ", re.MULTILINE)
"""As _LEASE, whatever follows the key. A million lines are searched at every start of the agent."""
_WHOLE = re.compile(rb"(?:#[ -~]*\n|[!\"$-~][!-~]* [0-9]+\n)*+")
_READ_ANEW = MapFileMark(base="-", revision=0)
"""Marks a file that has content but no known revision of its list."""


@dataclass(frozen=True, kw_only=True)
class KeyChange:
    """A changed key of a map."""

    key: str
    until: int
    """The end of its lease; 0: removed."""
    was_there: bool


class ListFile:
    """One list's file. Used by one thread only."""

    def __init__(self, path: Path, list_name: str) -> None:
        self._path = path
        self.list_name = list_name
        self._dead = 0
        self._ends: dict[int, list[str]] = {}
        """Leases by their ends: a million added together end together."""
        self.count = 0
        self._mend()
        self.mark = self._open()

    @property
    def name(self) -> str:
        """The map's name."""
        return self._path.name

    def leases(self) -> Iterator[tuple[str, int]]:
        """Yield every key with the end of its lease."""
        with self._path.open(encoding="ascii") as file:
            for line in file:
                if not line.startswith("#"):
                    key, _, until = line.partition(" ")
                    yield key, int(until)

    def rebuild(self, mark: MapFileMark, leases: Iterable[tuple[str, int]]) -> None:
        """Replace the whole file in one step; UnavailableError if it cannot be written."""
        try:
            self._replace(mark, leases)
        except OSError as error:
            raise self._explain(error) from error
        self.mark = self._open()

    def apply(self, changes: Mapping[str, int], revision: int) -> list[KeyChange]:
        """Write the changes, then the new revision; return the changes that were not there already."""
        if self.mark is None:
            raise AssertionError("a file is rebuilt before anything changes in it")
        mark = MapFileMark(base=self.mark.base, revision=revision)
        if len(changes) > _FEW or self._dead > _MOST_DEAD:
            return self._rewrite(changes, mark)
        made = [made for key, until in changes.items() for made in self._change(key, until)]
        if self.mark != mark:
            with self._path.open("r+b") as file:
                file.write(_print_mark(mark).encode())
            self.mark = mark
        return made

    def ended(self, now: float) -> list[str]:
        """Return the keys whose lease has ended; each is returned until it is removed from the file."""
        over = {until: self._ends[until] for until in self._ends if until <= now}
        held = self._look_up({key: until for until, keys in over.items() for key in keys})
        for until, keys in over.items():
            self._ends[until] = [key for key in keys if held.get(key) == until]
            if not self._ends[until]:
                del self._ends[until]
        return [key for until in over for key in self._ends.get(until, ())]

    def _change(self, key: str, until: int) -> Iterator[KeyChange]:
        with self._path.open("r+b", buffering=0) as file, mmap.mmap(file.fileno(), 0) as text:
            begin = _find(text, key)
            old = _read_until(text, begin) if begin else 0
            if old == until:
                return
            if until:
                self._append(file, f"{key} {until}\n".encode())
                self._remember(key, until)
            if begin:
                text[begin : begin + 1] = _NOT
                self._dead += 1
        self.count += bool(until) - bool(begin)
        yield KeyChange(key=key, until=until, was_there=bool(begin))

    def _append(self, file: io.FileIO, line: bytes) -> None:
        """Append a whole line or nothing: the next one must not become part of it."""
        end = file.seek(0, os.SEEK_END)
        try:
            rest = len(line) - file.write(line)
        except OSError as error:
            raise self._explain(error) from error
        if rest:
            file.truncate(end)
            raise self._explain(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))

    def _explain(self, error: OSError) -> UnavailableError:
        return UnavailableError(
            f"the map file of list {self.list_name} cannot be written", details=str(error)
        )

    def _rewrite(self, changes: Mapping[str, int], mark: MapFileMark) -> list[KeyChange]:
        held = self._look_up(changes)
        kept = (lease for lease in self.leases() if lease[0] not in changes)
        new = ((key, until) for key, until in changes.items() if until)
        self.rebuild(mark, (lease for part in (kept, new) for lease in part))
        return [
            KeyChange(key=key, until=until, was_there=key in held)
            for key, until in changes.items()
            if held.get(key, 0) != until
        ]

    def _look_up(self, keys: Mapping[str, int]) -> dict[str, int]:
        """Return the leases of these keys."""
        if len(keys) > _FEW:
            return {key: until for key, until in self.leases() if key in keys}
        if not keys:
            return {}
        with self._path.open("rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as text:
            found = {key: _find(text, key) for key in keys}
            return {key: _read_until(text, begin) for key, begin in found.items() if begin}

    def _replace(self, mark: MapFileMark, leases: Iterable[tuple[str, int]]) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(self._path) as draft:
            draft.write(_print_mark(mark).encode())
            draft.writelines(f"{key} {until}\n".encode() for key, until in leases)

    def _mend(self) -> None:
        """Rewrite a file with two lines for one key, or with an invalid line.

        The last line of a key is the right one: its writer was killed before it removed the first. An invalid line may
        have been anything, so the list is read again; until then the ingress uses the remaining lines.
        """
        if not self._path.exists():
            return
        _cut_torn_line(self._path)
        text = self._path.read_bytes()
        is_broken, keys = not _WHOLE.fullmatch(text), _KEY.findall(text)
        if is_broken or len(set(keys)) < len(keys):
            mark = _READ_ANEW if is_broken else _parse_mark(text.partition(b"\n")[0].decode())
            if mark:
                self._replace(mark, {key.decode(): int(until) for key, until in _LEASE.findall(text)}.items())

    def _open(self) -> MapFileMark | None:
        """Read the file once: its header, its size, and which leases end."""
        self.count, self._dead, self._ends = 0, 0, {}
        if not self._path.exists():
            return None
        with self._path.open(encoding="ascii") as file:
            mark = _parse_mark(file.readline())
            for line in file:
                if line.startswith("#"):
                    self._dead += 1
                    continue
                self.count += 1
                key, _, until = line.partition(" ")
                self._remember(key, int(until))
        return mark

    def _remember(self, key: str, until: int) -> None:
        if until < FOREVER:
            self._ends.setdefault(until, []).append(key)


def _find(text: mmap.mmap, key: str) -> int:
    """Return the offset of a key's line; 0, the header's, if it has none."""
    return text.find(f"\n{key} ".encode()) + 1


def _read_until(text: mmap.mmap, begin: int) -> int:
    return int(text[text.find(b" ", begin) : text.find(b"\n", begin)])


def _print_mark(mark: MapFileMark) -> str:
    return f"# {mark.base:<{_BASE_DIGITS}} {mark.revision:0{_REVISION_DIGITS}d}\n"


def _parse_mark(line: str) -> MapFileMark | None:
    words = line.split()
    if len(words) != 3 or words[0] != "#" or not words[2].isdigit():  # noqa: PLR2004 -- the sharp, base and revision
        return None
    return MapFileMark(base=words[1], revision=int(words[2]))


def _cut_torn_line(path: Path) -> None:
    """Remove the partial write of a killed process: it was never acknowledged."""
    if not path.stat().st_size:
        return
    with path.open("r+b") as file:
        with mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as text:
            end = text.rfind(b"\n") + 1
        file.truncate(end)


_FEW = 16
"""Up to this many deltas are fetched one by one: one ban adds one delta."""


@dataclass(frozen=True, kw_only=True)
class Followed:
    """The result of following a list."""

    file: ListFile
    revision: int
    """The list's revision that the file now holds; 0 if no verb ever changed the list."""
    changes: tuple[KeyChange, ...]
    is_whole: bool
    """Whether the whole file was replaced: then `changes` is incomplete."""


class ListFollower:
    """Keeps one list's map file at the list's head."""

    def __init__(self, catalog: Catalog, shelf: ListSnapshotStore, file: ListFile) -> None:
        self._catalog = catalog
        self._shelf = shelf
        self._reader = ListReader(catalog, shelf)
        self._file = file

    def prepare(self, shape: ListShape) -> None:
        """Make sure that the file exists, with at least the policy's own entries: the ingress needs them to start."""
        if self._file.mark is None:
            leases = {shape.map_key(entry): FOREVER for entry in shape.seeds}
            self._file.rebuild(MapFileMark(base="-", revision=0), leases.items())

    def follow(self, shape: ListShape, head: ListHead | None, now: float) -> Followed:
        """Bring the file to the head; UnavailableError while a delta or the snapshot is not available."""
        head = head or ListHead(name=shape.name, revision=0)
        is_whole = self._is_stale(shape, head)
        if is_whole:
            mark = MapFileMark(base=_name_base(shape), revision=head.snapshot_revision)
            self._file.rebuild(mark, self._snapshot(shape, head, now))
        changes = dict.fromkeys(self._file.ended(now), 0)
        for delta in self._missing(head):
            for word in delta.words:
                changes[shape.map_key(word.entry)] = int(word.until) if word.until > now else 0
        made = self._file.apply(changes, head.revision)
        return Followed(file=self._file, revision=head.revision, changes=tuple(made), is_whole=is_whole)

    def _is_stale(self, shape: ListShape, head: ListHead) -> bool:
        mark = self._file.mark
        return (
            mark is None
            or mark.base != _name_base(shape)
            or not head.snapshot_revision <= mark.revision <= head.revision
        )

    def _snapshot(self, shape: ListShape, head: ListHead, now: float) -> Iterator[tuple[str, int]]:
        leases = dict.fromkeys(shape.seeds, FOREVER)
        if head.snapshot:
            leases.update(parse_snapshot(self._shelf.load(head.name, head.snapshot)).leases())
        return ((shape.map_key(entry), until) for entry, until in leases.items() if until > now)

    def _missing(self, head: ListHead) -> Iterator[ListDelta]:
        mark = self._file.mark
        have = mark.revision if mark else 0
        if head.revision - have > _FEW:
            yield from (delta for delta in self._reader.deltas(head.name) if delta.revision > have)
            return
        for revision in range(have + 1, head.revision + 1):
            entry = self._catalog.get(list_delta_key(head.name, revision))
            if entry is None:
                raise UnavailableError(
                    f"delta {revision} of list {head.name} is already folded; the new head will follow"
                )
            yield decode(ListDelta, entry.value)


def _name_base(shape: ListShape) -> str:
    return digits(digest_bytes("\n".join(shape.seeds).encode()))
