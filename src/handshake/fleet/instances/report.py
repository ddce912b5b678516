"""A node's reports and acks of its instances, written only when they say something new."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from handshake.catalog.catalog import Catalog
from handshake.catalog.codec import decode, encode
from handshake.catalog.entries import Delete, Write
from handshake.catalog.keys import INSTANCES, instance_key
from handshake.core.subject import Kind, Subject
from handshake.fleet.instance import (
    Assignment,
    Evidence,
    Generation,
    InstancePhase,
    InstanceReport,
    Verdict,
    Verdicts,
)
from handshake.pointers.acks import AckWriter
from handshake.pointers.pointer import Pointer


class Reports:
    """One node's reports: read once, then cached."""

    def __init__(self, catalog: Catalog, node: str) -> None:
        self._catalog = catalog
        self._node = node
        self._known: dict[str, InstanceReport] | None = None

    def all(self) -> dict[str, InstanceReport]:
        """Return this node's reports by instance."""
        return dict(self._read())

    def find(self, instance: str) -> InstanceReport | None:
        """Return an instance's report, None if it has none."""
        return self._read().get(instance)

    def write(self, report: InstanceReport) -> None:
        """Write a report unless it says the same as the one before, but for the probe's moment and latency."""
        known = self.find(report.instance)
        if known is None or _essence(known) != _essence(report):
            key = instance_key(self._node, report.instance)
            self._catalog.transact([Write(key=key, value=encode(report))])
            self._keep()[report.instance] = report

    def remove(self, instance: str) -> None:
        """Remove the report of an instance that is gone."""
        self._catalog.transact([Delete(key=instance_key(self._node, instance))])
        self._keep().pop(instance, None)

    def _read(self) -> dict[str, InstanceReport]:
        if self._known is None:
            entries = self._catalog.read(f"{INSTANCES}{self._node}/").entries
            reports = (decode(InstanceReport, entry.value) for entry in entries)
            self._known = {report.instance: report for report in reports}
        return self._known

    def _keep(self) -> dict[str, InstanceReport]:
        if self._known is None:
            self._known = {}
        return self._known


def _essence(report: InstanceReport) -> InstanceReport:
    verdicts = report.verdicts
    return replace(
        report,
        verdicts=Verdicts(
            alive=_quiet(verdicts.alive), ready=_quiet(verdicts.ready), fresh=_quiet(verdicts.fresh)
        ),
    )


def _quiet(verdict: Verdict) -> Verdict:
    evidence = verdict.evidence
    return replace(verdict, evidence=Evidence(status=evidence.status, body=evidence.body))


# A node's acks for images and templates: every instance that it runs says that it is what the pointer names.
#
# A node that runs none of a service serves whatever its pointers name: it must not hold them up.


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
        if assignment.service == service and assignment.phase is not InstancePhase.WARM
    ]
    members = [reports.get(assignment.instance) for assignment in assigned]
    if not all(_is_arrived(member, target) for member in members):
        return False
    if any(assignment.phase is InstancePhase.DRAIN for assignment in assigned):
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
