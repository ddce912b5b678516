"""Progress of a publish as bars."""

from __future__ import annotations

from collections.abc import Mapping

from rich.progress import Progress

from handshake.control.publisher import Telling
from handshake.core.upload import Progress as UploadProgress


def telling(bars: Progress, subject: str, done: dict[str, UploadProgress] | None = None) -> Telling:
    """Return a Telling that shows a publish as one bar: its steps, then its objects on their way to the regions.

    `done` holds afterwards how many objects travelled to each region.
    """
    task = bars.add_task(subject, total=None)
    done = {} if done is None else done

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


def say_sent(sent: Mapping[str, int]) -> str:
    """Return in words how many objects travelled to each region."""
    if not any(sent.values()):
        return "nothing had to travel"
    return ", ".join(f"{count:,} objects to {region}" for region, count in sorted(sent.items()))
