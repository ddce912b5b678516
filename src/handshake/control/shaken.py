"""What the contract check found, release by release; and the rule that nothing unshaken is promoted."""

from __future__ import annotations

from collections.abc import Iterable

from handshake.catalog.catalog import Catalog
from handshake.catalog.codec import decode, encode
from handshake.catalog.entry import Write
from handshake.catalog.keys import shaken_key
from handshake.control.journal import journal_write
from handshake.core.digest import Digest, short
from handshake.core.errors import RefusedError
from handshake.core.pointer import Pointer
from handshake.core.release import Kind, Subject
from handshake.image.shake.report import ShakeReport, print_broken


class Shaken:
    """The reports of all contract checks, the newest of each release."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def find(self, release: Digest) -> ShakeReport | None:
        """Return the newest report on a release, None where it was never shaken."""
        entry = self._catalog.get(shaken_key(release))
        return decode(ShakeReport, entry.value) if entry else None

    def has_passed(self, release: Digest) -> bool:
        """Whether the newest report on a release says that it keeps its promises."""
        report = self.find(release)
        return report is not None and report.passed

    def write(self, report: ShakeReport) -> None:
        """Keep a report in the place of the one before, and tell the journal."""
        self._catalog.transact(
            [
                Write(key=shaken_key(report.release), value=encode(report)),
                journal_write(report.by, _tell(report), report.at),
            ]
        )


def demand_shaken(
    subject: Subject, release: Digest, report: ShakeReport | None, history: Iterable[Pointer]
) -> None:
    """Raise RefusedError for an image that has not passed the contract check, unless it was stable before."""
    if subject.kind is not Kind.IMAGE or any(past.stable == release for past in history):
        return
    if report is None:
        raise RefusedError(f"{subject} {short(release)} was never shaken", hint=_hint(release))
    if not report.passed:
        raise RefusedError(
            f"{subject} {short(release)} does not keep what it promises: {print_broken(report)}",
            hint=_hint(release),
        )


def _hint(release: Digest) -> str:
    return (
        f"`handshake shake {short(release)}` puts it through the contract check;"
        ' `--force "reason"` promotes it all the same.'
    )


def _tell(report: ShakeReport) -> str:
    what = f"image/{report.service} {short(report.release)} was shaken"
    return f"{what}: it keeps its promises" if report.passed else f"{what}: it breaks {print_broken(report)}"
