"""Blame: what a failed trial is laid on, and the way back."""

from __future__ import annotations

from dataclasses import replace

from handshake.core.digest import Digest
from handshake.core.instance import Generation
from handshake.core.pointer import Pointer
from handshake.core.release import Kind
from handshake.core.step import Revert
from handshake.fleet.part import BadPart, Part, pointer_part, secrets_part
from handshake.fleet.state import Desired, Rollout

_KEPT = 10


def find_bad(desired: Desired, rollout: Rollout) -> tuple[BadPart, ...]:
    """Return today's parts that are marked bad; a target with one of them is not tried again."""
    parts = (*(pointer_part(pointer) for pointer in desired.pointers), secrets_part(desired.secrets))
    return tuple(bad for bad in rollout.bad if bad.part in parts)


def blame(desired: Desired, rollout: Rollout, reason: str, now: float) -> Rollout:
    """Return the record with the trial over and what is new in the target marked bad."""
    marks = tuple(BadPart(part=part, reason=reason, at=now) for part in _find_new(desired, rollout.stable))
    return replace(rollout, trial=None, canary=None, bad=(*rollout.bad, *marks)[-_KEPT:])


def _find_new(desired: Desired, stable: Generation | None) -> tuple[Part, ...]:
    """Return the pointers that left the stable generation; only where none did, the secrets are at fault."""
    moved = tuple(map(pointer_part, find_moved(desired, stable)))
    return moved or (secrets_part(desired.secrets),)


def find_moved(desired: Desired, stable: Generation | None) -> tuple[Pointer, ...]:
    """Return the pointers that name another release than the stable generation has."""
    return tuple(pointer for pointer in desired.pointers if pointer.release != way_back(pointer, stable))


def way_back(pointer: Pointer, stable: Generation | None) -> Digest | None:
    """Return the release of the stable generation that this pointer would go back to."""
    if stable is None:
        return None
    return stable.image if pointer.subject.kind is Kind.IMAGE else stable.templates


def revert_bad(desired: Desired, rollout: Rollout) -> tuple[Revert, ...]:
    """Return one revert for each pointer that still names a bad part; asked again until it is written."""
    reasons = {bad.part: bad.reason for bad in find_bad(desired, rollout)}
    return tuple(
        Revert(subject=pointer.subject, bad=pointer.release, to=back, why=reasons[pointer_part(pointer)])
        for pointer in desired.pointers
        if pointer_part(pointer) in reasons and (back := way_back(pointer, rollout.stable))
    )
