"""Publishing a site of 10,000 files into a bucket, beside rclone, s3cmd and aws s3 sync on the same server."""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

from frame import Measure, doing, report
from site_folder import ASSETS, FILE_BYTES, build_large, build_site, change_document, rename_asset
from site_peers import OURS, PEERS, Run, environment, missing_peers, ours_argv, run, sync_argv
from site_server import VERSITYGW, Buckets, serve_buckets

_SMALL_MIB = 16
_FIRSTS = 2
"""A first publish is measured so often: it takes the longest."""
_BEFORE = ".before"
"""What the file is called that says which release we published before."""

_PEER_IN_PARTS = "aws s3 sync"
"""Debian's rclone, 1.60, takes minutes to send 2 GB to this server in parts; s3cmd sends one part after another."""

Sync = Callable[[], Run]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How much is measured, and how long it may take."""

    files: int
    many: int
    large_mib: int
    repetitions: int
    limit_seconds: float
    """Of one run of one program."""
    deadline: float
    """By the monotonic clock; what has not begun by then is left out."""

    @property
    def left_seconds(self) -> float:
        """How long a run that begins now may take."""
        return max(0.1, min(self.limit_seconds, self.deadline - time.monotonic()))


@dataclass(frozen=True, kw_only=True)
class Ground:
    """Where it is measured."""

    root: Path
    buckets: Buckets
    plan: Plan

    def ours(self, folder: Path, *, assets: str = "", variants: Path | None = None) -> Sync:
        """Return our way to publish a folder, as a site whose hashed names lie in `assets`."""
        previous = self.root / f"{folder.name}-{assets.strip('/')}-{bool(variants)}{_BEFORE}"
        return self._run(ours_argv(self.buckets.url, folder, previous, assets=assets, variants=variants))

    def theirs(self, folder: Path, peer: str) -> Sync:
        """Return a peer's way."""
        return self._run(sync_argv(peer, self.buckets.url, folder, PEERS[peer]))

    def everybody(self, folder: Path) -> dict[str, Sync]:
        """Return everybody's way, ours first; each has a bucket of its own."""
        return {OURS: self.ours(folder, assets=ASSETS)} | {peer: self.theirs(folder, peer) for peer in PEERS}

    def start_over(self) -> None:
        """Empty all buckets, and forget what was published."""
        self.buckets.empty()
        for before in self.root.glob(f"*{_BEFORE}*"):
            before.unlink()

    def _run(self, argv: Sequence[str]) -> Sync:
        return lambda: run(argv, environment(self.buckets.url), self.plan.left_seconds)


def measure_site(ground: Ground) -> Iterator[Measure]:
    """A site of many small files, published by everybody."""
    folder = build_site(ground.root / "site", ground.plan.files)
    syncs = ground.everybody(folder)
    yield from _compare("first publish", _repeat(_FIRSTS, syncs, lambda _: ground.start_over()))
    often = ground.plan.repetitions
    yield from _compare("nothing changed", _repeat(often, syncs, lambda _: None))
    yield from _compare(
        "one of the hashed assets changed", _repeat(often, syncs, partial(rename_asset, folder))
    )
    # Without assets each release has documents of its own, and the server copies the unchanged ones.
    syncs[OURS] = ground.ours(folder)
    syncs[OURS]()
    changed = _repeat(often, syncs, partial(change_document, folder))
    yield from _compare("one of the documents changed", changed)


def measure_memory(ground: Ground) -> Iterator[Measure]:
    """One large file, beside a small one."""
    for size_mib in (_SMALL_MIB, ground.plan.large_mib):
        folder = build_large(ground.root / f"large-{size_mib}", size_mib << 20)
        for name, sync in (
            (OURS, ground.ours(folder)),
            (_PEER_IN_PARTS, ground.theirs(folder, _PEER_IN_PARTS)),
        ):
            took = sync()
            note = f"{_say_cut([took])}in {took.seconds:.1f} s"
            yield Measure(
                name=f"memory, {size_mib:,} MiB, {name}", value=round(took.peak_mib), unit="MiB", note=note
            )


def measure_many(ground: Ground) -> Iterator[Measure]:
    """A site of ten times as many files, ours alone: time and memory grow with the number and no faster."""
    folder = build_site(ground.root / "many", ground.plan.many)
    took = ground.ours(folder)()
    note = f"{_say_cut([took])}{took.peak_mib:.0f} MiB"
    yield _seconds(f"first publish of {ground.plan.many:,} files", took.seconds, note=note)


def measure_variants(ground: Ground) -> Iterator[Measure]:
    """The same site as it is published in earnest, which no peer does."""
    folder = build_site(ground.root / "compressed", ground.plan.files)
    sync = ground.ours(folder, assets=ASSETS, variants=ground.root / "variants")
    changes: dict[str, Callable[[], None]] = {
        "first publish": lambda: None,
        "nothing changed": lambda: None,
        "one of the hashed assets changed": lambda: rename_asset(folder, 0),
    }
    for name, change in changes.items():
        change()
        took = sync()
        yield _seconds(name, took.seconds, note=f"{_say_cut([took])}with br, zstd and gzip of each file")


PARTS: dict[str, Callable[[Ground], Iterator[Measure]]] = {
    "site": measure_site,
    "memory": measure_memory,
    "many": measure_many,
    "variants": measure_variants,
}


def measure(root: Path, buckets: Buckets, plan: Plan, parts: Sequence[str]) -> Iterator[Measure]:
    """Yield every figure of these parts, each contestant in turn."""
    for name in parts:
        if time.monotonic() > plan.deadline:
            print(f"bench sites: no time left for {name}; --minutes gives more", file=sys.stderr)
            continue
        place = root / name
        place.mkdir()
        yield from PARTS[name](Ground(root=place, buckets=buckets, plan=plan))
        shutil.rmtree(place)
        buckets.empty()


def _repeat(times: int, syncs: dict[str, Sync], change: Callable[[int], object]) -> dict[str, list[Run]]:
    """Change the site and let everybody publish it, again and again."""
    taken: dict[str, list[Run]] = {name: [] for name in syncs}
    for number in range(times):
        change(number)
        for name, sync in syncs.items():
            taken[name].append(sync())
    return taken


def _compare(name: str, taken: dict[str, list[Run]]) -> Iterator[Measure]:
    ours = _middle(taken[OURS])
    for peer in PEERS:
        note = _say_cut([*taken[OURS], *taken[peer]])
        yield _seconds(name, ours, peer=peer, peers=_middle(taken[peer]), note=note)


def _middle(runs: Sequence[Run]) -> float:
    return median(each.seconds for each in runs)


def _say_cut(runs: Sequence[Run]) -> str:
    return "ended at its limit; " if any(each.is_cut for each in runs) else ""


def _seconds(
    name: str, ours: float, *, peer: str = "", peers: float | None = None, note: str = ""
) -> Measure:
    theirs = None if peers is None else round(peers, 2)
    return Measure(
        name=name, value=round(ours, 2), unit="s", peer=peer, peer_value=theirs, note=note.removesuffix("; ")
    )


def _parse_plan() -> tuple[Plan, tuple[str, ...]]:
    words = argparse.ArgumentParser(prog="script/bench sites", description=__doc__)
    words.add_argument("--files", type=int, default=10_000, help="of the site")
    words.add_argument("--many", type=int, default=100_000, help="of the large site")
    words.add_argument("--large-mib", type=int, default=2_048, help="of the large file")
    words.add_argument("--repetitions", type=int, default=3, help="of each measure but a first publish")
    words.add_argument("--limit", type=float, default=90.0, help="seconds that one run of a program may take")
    words.add_argument(
        "--minutes", type=float, default=6.0, help="for all; what has not begun then is left out"
    )
    words.add_argument("--parts", default=",".join(PARTS), help="what is measured, with commas between")
    words.add_argument("--json", action="store_true", help="one object a line")
    said = words.parse_args()
    parts = tuple(said.parts.split(","))
    if unknown := set(parts) - PARTS.keys():
        words.error(f"no part is called {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    plan = Plan(
        files=said.files,
        many=said.many,
        large_mib=said.large_mib,
        repetitions=said.repetitions,
        limit_seconds=said.limit,
        deadline=time.monotonic() + said.minutes * 60,
    )
    return plan, parts


def main() -> None:
    """Measure and print; who is ended in the middle prints what was measured by then."""
    plan, parts = _parse_plan()
    if not VERSITYGW.exists():
        sys.exit("bench sites: versitygw is not built; run script/tools versitygw")
    if missing := missing_peers():
        sys.exit(f"bench sites: {', '.join(missing)} not installed; apt-get install rclone s3cmd awscli")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    root, measures = Path(tempfile.mkdtemp(prefix="bench-sites-")), list[Measure]()
    try:
        with serve_buckets(root) as buckets, doing("publishing, minutes"):
            for each in measure(root, buckets, plan, parts):
                measures.append(each)
    finally:
        shutil.rmtree(root)
        report(f"Publishing {plan.files:,} files of {FILE_BYTES:,} bytes", measures)


if __name__ == "__main__":
    main()
