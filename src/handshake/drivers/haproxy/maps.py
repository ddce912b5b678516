"""HAProxy's maps: read by rules, changed at runtime without a reload."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from handshake.core.errors import OutcomeUnknownError, RefusedError
from handshake.drivers.haproxy.runtime import PAYLOAD_BYTES, PAYLOAD_LINES, Runtime

_ABSENT = "Key not found."
_FOUND = re.compile(r'.*found=yes.* key="(?P<key>[^"]*)", value="(?P<value>[^"]*)"')
_PREPARED = re.compile(r"New version created: (\d+)")


@dataclass(frozen=True, kw_only=True)
class MapEntry:
    """An entry of a map, as the running program holds it."""

    key: str
    value: str


class Maps:
    """The maps of one running program, each named by the file that the configuration names.

    Nothing here uses `set map`: it looks at every entry, and holds up requests meanwhile; so does `del map`, so
    that `add` is for keys that are known to be absent.
    """

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def show(self, name: str) -> dict[str, str]:
        """Return what the running program holds; RefusedError for a map that it does not know."""
        answer = self._runtime.ask("show", "map", name)
        if answer and not answer.startswith("0x"):
            raise RefusedError(f"HAProxy has no map {name}", details=answer)
        return dict(_parse_entry(line) for line in answer.splitlines())

    def count(self, name: str) -> int:
        """Return how many entries a map has, whatever their number in no time."""
        answer = self._runtime.ask("show", "map")
        if found := re.search(rf"\({re.escape(name)}\) .*entry_cnt=(\d+)", answer):
            return int(found[1])
        raise RefusedError(f"HAProxy has no map {name}", details=answer)

    def look_up(self, name: str, key: str) -> MapEntry | None:
        """Return the entry by which a request would be judged that asks for this key, or for a network's first address."""
        found = _FOUND.match(self._runtime.ask("get", "map", name, key.partition("/")[0]))
        return MapEntry(key=found["key"], value=found["value"]) if found else None

    def add(self, name: str, key: str, value: str) -> None:
        """Give a value to a key that has none; in microseconds, whatever the map's size."""
        self._runtime.tell("add", "map", name, key, value)

    def put(self, name: str, key: str, value: str) -> None:
        """Give one key a value, whether or not it has one; for microseconds it has none."""
        answer = self._runtime.ask_each((("del", "map", name, key), ("add", "map", name, key, value)))
        complaints = [line for line in answer.splitlines() if line and line != _ABSENT]
        if complaints:
            raise RefusedError(f"HAProxy refused {key} in {name}", details="\n".join(complaints))

    def remove(self, name: str, key: str) -> None:
        """Forget one key; one that is absent is not an error."""
        answer = self._runtime.ask("del", "map", name, key)
        if answer not in {"", _ABSENT}:
            raise RefusedError(f"HAProxy refused to remove {key} from {name}", details=answer)

    def replace(self, name: str, entries: Mapping[str, str]) -> None:
        """Replace the whole map in one step; see `replace_by`."""
        self.replace_by(name, entries.items())

    def replace_by(self, name: str, entries: Iterable[tuple[str, str]]) -> None:
        """Replace the whole map in one step: rules see all of the old entries, then all of the new ones.

        RefusedError where an entry does not fit the map's type: the old entries stay.
        """
        version = f"@{self._prepare(name)}"
        try:
            for batch in _batches(entries):
                self._runtime.tell("add", "map", version, name, payload=batch)
            self._runtime.tell("commit", "map", version, name)
        except RefusedError:
            self._runtime.tell("clear", "map", version, name)
            raise

    def _prepare(self, name: str) -> int:
        answer = self._runtime.ask("prepare", "map", name)
        if found := _PREPARED.fullmatch(answer):
            return int(found[1])
        raise RefusedError(f"HAProxy has no map {name}", details=answer)


def _parse_entry(line: str) -> tuple[str, str]:
    """Read `0x55... key value`; the address is HAProxy's own name for the entry."""
    parts = line.split(" ", 2)
    if len(parts) != 3:  # noqa: PLR2004 -- address, key and value
        raise OutcomeUnknownError(f"{line!r} is not a map entry")
    return parts[1], parts[2]


def _batches(entries: Iterable[tuple[str, str]]) -> Iterator[list[str]]:
    """Yield the entries as payload lines, each batch within what one command can carry."""
    batch: list[str] = []
    size = 0
    for key, value in entries:
        line = f"{_checked_key(key)} {value}"
        line_size = len(line.encode()) + 1
        if len(batch) == PAYLOAD_LINES or size + line_size > PAYLOAD_BYTES:
            yield batch
            batch, size = [], 0
        batch.append(line)
        size += line_size
    if batch:
        yield batch


def _checked_key(key: str) -> str:
    if not key or any(character.isspace() for character in key):
        raise RefusedError(f"{key!r} is not a valid map key", hint="Keys cannot contain blanks.")
    return key
