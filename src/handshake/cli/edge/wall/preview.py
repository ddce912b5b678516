"""What a dry run shows."""

from __future__ import annotations

from dataclasses import dataclass

from rich.markup import escape
from rich.table import Table

from handshake.cli.edge.options import print_moment
from handshake.cli.screen import out
from handshake.edge.log.preview import Preview


@dataclass(frozen=True, kw_only=True)
class DryRun:
    """Whom entries would have met."""

    entries: int
    preview: Preview


def tell_dry_run(report: DryRun) -> None:
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
