"""Progress of a publish as bars."""

from __future__ import annotations

from rich.progress import Progress

from handshake.control.publisher import Telling
from handshake.core.upload import Progress as UploadProgress


def telling(bars: Progress, subject: str) -> Telling:
    """Return a Telling that shows a publish as one bar: its steps, then its objects on their way to the regions."""
    task = bars.add_task(subject, total=None)
    done: dict[str, UploadProgress] = {}

    def step(what: str) -> None:
        bars.update(task, description=f"{subject}: {what}")

    def upload(progress: UploadProgress) -> None:
        done[progress.region] = progress
        bars.update(
            task,
            description=f"{subject}: to {', '.join(sorted(done))}",
            completed=sum(each.done for each in done.values()),
            total=sum(each.total for each in done.values()),
        )

    return Telling(step=step, upload=upload)
