"""Checks of the headers that a policy writes: none that frames a message, and no more than every program can carry."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from handshake.config.reader import Loaded
from handshake.config.source import Path
from handshake.core.hop_header import HOP_PREFIX
from handshake.core.problem import Problem
from handshake.edge.adjust import HeaderChanges
from handshake.edge.identity import is_stripped
from handshake.edge.settings import EdgeSettings

MOST_HEADERS = 40
"""Varnish has room for 64 lines of a message, its own and the origin's included."""
LARGEST_HEAD_BYTES = 6_144
"""Varnish has 8 KiB for the whole head of an answer."""
LARGEST_ANSWER_BYTES = 14_336
"""HAProxy's buffer of 16 KiB, without what it keeps free and the headers that every answer has."""
_FRAMING = frozenset(
    ("connection", "content-length", "host", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade")
)
"""What says where a message ends, and for whom it is: changed, it would be read in two ways."""


def check_answer(
    loaded: Loaded[EdgeSettings], path: Path, headers: Mapping[str, str], body: str
) -> Iterator[Problem]:
    """Check the headers of an answer whose body shares a buffer with them; empty where it has none to share."""
    yield from _check_names(loaded, path, [(("headers", name), name) for name in headers])
    yield from (
        _second_type(loaded, (*path, "headers", name)) for name in headers if name.lower() == "content-type"
    )
    yield from _check_once(loaded, (*path, "headers"), headers)
    yield from _check_size(loaded, (*path, "headers"), headers, LARGEST_ANSWER_BYTES - len(body.encode()))


def check_changes(loaded: Loaded[EdgeSettings], path: Path, changes: HeaderChanges) -> Iterator[Problem]:
    """Check what a rule sets in a message and takes off it."""
    named = [(("set", name), name) for name in changes.set]
    yield from _check_names(
        loaded, path, [*named, *((("remove", at), name) for at, name in enumerate(changes.remove))]
    )
    yield from _check_once(loaded, (*path, "set"), changes.set)
    yield from _check_size(loaded, (*path, "set"), changes.set, LARGEST_HEAD_BYTES)


def _check_names(
    loaded: Loaded[EdgeSettings], path: Path, named: Iterable[tuple[Path, str]]
) -> Iterator[Problem]:
    for place, name in named:
        if name.lower() in _FRAMING or (is_stripped(name) and name.lower().startswith(HOP_PREFIX.lower())):
            yield Problem(
                check="edge-framing-header",
                what=f"{name} is none of a policy's headers: it says where a message ends, or is the edge's own",
                where=loaded.source.at(*path, *place),
                hint="Leave it alone; use other names for what you want to say.",
            )


def _check_once(loaded: Loaded[EdgeSettings], path: Path, headers: Mapping[str, str]) -> Iterator[Problem]:
    """Check that no header is named in two spellings: one program would send both, and another one the last."""
    seen: set[str] = set()
    for name in headers:
        if name.lower() in seen:
            yield Problem(
                check="edge-duplicate-header",
                what=f"{name} is named already, in other letters",
                where=loaded.source.at(*path, name),
                hint="Write it once; a list of values stands in one header, with commas.",
            )
        seen.add(name.lower())


def _check_size(
    loaded: Loaded[EdgeSettings], path: Path, headers: Mapping[str, str], room: int
) -> Iterator[Problem]:
    # A name and its value stand on a line of their own, with four more characters.
    size = sum(len(name) + len(value) + 4 for name, value in headers.items())
    possible = min(room, LARGEST_HEAD_BYTES)
    if len(headers) > MOST_HEADERS or (headers and size > possible):
        yield Problem(
            check="edge-head-too-large",
            what=f"{len(headers)} headers of {size:,} bytes are too many; {MOST_HEADERS} of {possible:,} fit here",
            where=loaded.source.at(*path),
            hint="Say less, or redirect to a page of a site.",
        )


def _second_type(loaded: Loaded[EdgeSettings], path: Path) -> Problem:
    return Problem(
        check="edge-framing-header",
        what="an answer would have two content types",
        where=loaded.source.at(*path),
        hint='Write it as content_type = "text/css".',
    )
