"""What a dry run shows. It reads the whole policy, so it is imported when somebody asks for one."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from rich.markup import escape
from rich.table import Table

from handshake.cli.edge.options import print_moment
from handshake.cli.screen import out, show
from handshake.cli.session import open_wiring
from handshake.edge.lists.shape import ListShape
from handshake.edge.log.preview import Preview


@dataclass(frozen=True, kw_only=True)
class DryRun:
    """Whom entries would have met."""

    entries: int
    preview: Preview


def show_dry_run(
    campaign: str, shape: ListShape, entries: Collection[str], *, since: float, as_json: bool
) -> None:
    """Show whom entries would have met in the last seconds, by the access log of this node."""
    preview = open_wiring(campaign).witness.preview(shape, entries, since)
    report = DryRun(entries=len(entries), preview=preview)
    show(report, as_json=as_json, for_people=lambda: _tell(report))


def _tell(report: DryRun) -> None:
    """Print whom entries would have met, donors first."""
    seen = report.preview
    if not seen.requests:
        out.print(
            "the access log of this node holds nothing from that time: nobody can say whom it would meet"
        )
        return
    span = f"{print_moment(seen.since)} to {print_moment(seen.until)}"
    out.print(f"nothing was changed; by the access log, {span}:")
    share = 100 * seen.met / seen.requests
    out.print(
        f"  {seen.met:,} of {seen.requests:,} requests ({share:.2g} %), from {seen.clients:,} addresses"
    )
    for donor in seen.donors:
        when = print_moment(donor.last_at)
        out.print(f"  [bold red]donor[/] {donor.client} gave {donor.donations} times, last on {when}")
    for title, counts in (("path", seen.paths), ("country", seen.countries)):
        if counts:
            table = Table(title, "requests", box=None)
            for count in counts:
                table.add_row(escape(count.what), f"{count.requests:,}")
            out.print(table)
