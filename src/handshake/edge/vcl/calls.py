"""Which subroutines a program calls: Varnish refuses one that holds a subroutine which nothing calls."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from handshake.syntax.vcl import Act, Block, If, Statement

_CALL = "call "


def keep_called(shared: Iterable[Block], callers: Iterable[Block]) -> tuple[Block, ...]:
    """Return those of the shared subroutines that the callers call, directly or through one another."""
    by_name = {block.heading.removeprefix("sub "): block for block in shared}
    wanted: set[str] = set()
    waiting = [name for block in callers for name in _calls(block.body)]
    while waiting:
        name = waiting.pop()
        if name in by_name and name not in wanted:
            wanted.add(name)
            waiting += _calls(by_name[name].body)
    return tuple(block for name, block in by_name.items() if name in wanted)


def _calls(body: Iterable[Statement]) -> Iterator[str]:
    for statement in body:
        match statement:
            case Act(text=text) if text.startswith(_CALL):
                yield text.removeprefix(_CALL)
            case If(branches=branches):
                for branch in branches:
                    yield from _calls(branch.body)
            case _:
                continue
