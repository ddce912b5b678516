"""The agent's reports of its instances, as they lie in the catalogue; written only when they say something new."""

from __future__ import annotations

from dataclasses import replace

from handshake.catalog.catalog import Catalog
from handshake.catalog.codec import decode, encode
from handshake.catalog.entry import Delete, Write
from handshake.catalog.keys import INSTANCES, instance_key
from handshake.core.instance import InstanceReport
from handshake.core.verdict import Evidence, Verdict, Verdicts


class Reports:
    """One node's reports: read once, then kept."""

    def __init__(self, catalog: Catalog, node: str) -> None:
        self._catalog = catalog
        self._node = node
        self._known: dict[str, InstanceReport] | None = None

    def all(self) -> dict[str, InstanceReport]:
        """Return this node's reports by instance."""
        return dict(self._read())

    def find(self, instance: str) -> InstanceReport | None:
        """Return an instance's report, None where it has none."""
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
