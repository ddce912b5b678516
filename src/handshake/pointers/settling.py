"""Settles sites and policies when every place has acknowledged, and reverts them if a place cannot serve them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from handshake.core.digest import short
from handshake.core.subject import Kind
from handshake.pointers.acks import Ack, Place, acks_of, concerned_places, is_served
from handshake.pointers.pointer import Pointer


@dataclass(frozen=True, kw_only=True)
class Settled:
    """Every place serves the pointer's release."""

    pointer: Pointer


@dataclass(frozen=True, kw_only=True)
class Refused:
    """A place cannot serve the pointer's release, and reports why."""

    pointer: Pointer
    why: str


@dataclass(frozen=True, kw_only=True)
class Awaited:
    """Some places have not acknowledged this revision yet."""

    pointer: Pointer
    places: tuple[str, ...]


Arrival = Settled | Refused | Awaited


def judge_arrivals(
    pointers: Iterable[Pointer], acks: Iterable[Ack], nodes: tuple[str, ...], *, has_fastly: bool = False
) -> tuple[Arrival, ...]:
    """Return the state of every site and policy pointer whose release is not the stable one yet."""
    known = tuple(acks)
    return tuple(
        _judge(
            pointer,
            acks_of(str(pointer.subject), known),
            concerned_places(str(pointer.subject), nodes, has_fastly=has_fastly),
        )
        for pointer in pointers
        if pointer.subject.kind in {Kind.SITE, Kind.POLICY} and pointer.stable != pointer.release
    )


def describe_arrival(arrival: Arrival) -> str:
    """Return a sentence about a settlement."""
    pointer = arrival.pointer
    name = f"{pointer.subject} {short(pointer.release)} (revision {pointer.revision})"
    match arrival:
        case Settled():
            return f"{name} is served by every place"
        case Refused(why=why):
            return f"{name} is reverted: {why}"
        case Awaited(places=places):
            return f"{name} waits for {', '.join(places)}"


def _judge(pointer: Pointer, acks: tuple[Ack, ...], places: tuple[Place, ...]) -> Arrival:
    for ack in acks:
        if ack.refusal and ack.refusal.revision == pointer.revision:
            return Refused(pointer=pointer, why=f"{ack.place} cannot serve it: {ack.refusal.reason}")
    if is_served(pointer.revision, acks, places):
        return Settled(pointer=pointer)
    silent = tuple(str(place) for place in places if not is_served(pointer.revision, acks, (place,)))
    return Awaited(pointer=pointer, places=silent)
