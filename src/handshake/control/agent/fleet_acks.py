"""A node's acks for images and templates: every instance that it runs says that it is what the pointer names.

A node that runs none of a service serves whatever its pointers name: it must not hold them up.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from handshake.control.acks import AckWriter
from handshake.core.instance import Assignment, Generation, InstanceReport, Phase
from handshake.core.pointer import Pointer
from handshake.core.release import Kind, Subject


def acknowledge_fleet(
    service: str,
    *,
    target: Generation,
    assignments: Iterable[Assignment],
    reports: Mapping[str, InstanceReport],
    pointers: Mapping[Subject, Pointer],
    templates: str,
    acks: AckWriter,
) -> bool:
    """Write the node's acks for one service's pointers; False while an instance is not there yet."""
    # What is warm has no visitors: it holds up no ack, whatever it runs.
    assigned = [
        assignment
        for assignment in assignments
        if assignment.service == service and assignment.phase is not Phase.WARM
    ]
    members = [reports.get(assignment.instance) for assignment in assigned]
    if not all(_is_arrived(member, target) for member in members):
        return False
    if any(assignment.phase is Phase.DRAIN for assignment in assigned):
        return False
    subjects = [Subject(kind=Kind.IMAGE, name=service)]
    subjects += [Subject(kind=Kind.TEMPLATES, name=templates)] if templates else []
    for subject in subjects:
        if pointer := pointers.get(subject):
            acks.serve(
                str(subject), pointer.revision, f"{len(members)} of {len(members)} instances are fresh"
            )
    return True


def _is_arrived(report: InstanceReport | None, target: Generation) -> bool:
    return (
        report is not None
        and report.generation == target
        and report.verdicts.ready.is_yes
        and report.verdicts.fresh.is_yes
    )
