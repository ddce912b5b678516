"""The headline of the status page, and what explains it."""

from __future__ import annotations

from handshake.campaign.status import StatusReport
from handshake.web.headline import compose_headline
from tests.unit.web.reports import build_fleet, build_report, build_subject, refuses, serves, waits


def tell_headlines() -> dict[str, str]:
    """Return every headline by its name."""
    return {f"headline-{name}": _tell(report) for name, report in _reports().items()}


def _reports() -> dict[str, StatusReport]:
    moving = build_subject("site/calls", serves("cache@n1"), waits("cache@n2"))
    others = (build_subject("site/a", waits("cache@n1")), build_subject("site/b", waits("cache@n1")))
    refused = build_subject("policy/example", refuses("ingress@n1", "line 7: no such map"))
    twice = build_subject("site/a", refuses("cache@n1", "disk full"), refuses("cache@n2", "no memory", 0))
    return {
        "settled": build_report(),
        "one-moves": build_report(moving),
        "several-move": build_report(*others),
        "not-settled-yet": build_report(build_subject("image/hamm", is_stable=False)),
        "refused": build_report(refused),
        "refused-twice": build_report(twice),
        "fleet-stuck": build_report(fleets=(build_fleet("stuck"),)),
        "fleet-frozen": build_report(fleets=(build_fleet("frozen"),)),
        "fleet-in-trial": build_report(fleets=(build_fleet("trial"),)),
        "nothing-live": build_report(subjects=(), fleets=()),
        "nobody-leads": build_report(leader=""),
        "by-the-report": build_report(is_settled=False),
    }


def _tell(report: StatusReport) -> str:
    headline = compose_headline(report)
    return " | ".join((headline.sentence, *headline.details))
