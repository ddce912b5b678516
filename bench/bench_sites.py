"""Publishing a site of 10,000 files into a bucket, beside rclone, s3cmd and aws s3 sync on the same server."""

from __future__ import annotations

import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import median

from frame import Measure, doing, report
from site_peers import OURS, PEERS, ROOT, SECRET, Run, environment, missing_peers, ours_argv, run, sync_argv

_FILES = 10_000
_MANY = 100_000
_FILE_BYTES = 3_000
_REPETITIONS = 3
_LARGE_BYTES = 2 << 30
_SMALL_BYTES = 16 << 20
_VERSITYGW = Path(__file__).parents[1] / "tools/bin/versitygw"

_PEER_IN_PARTS = "aws s3 sync"
"""Debian's rclone, 1.60, takes minutes to send 2 GB to this server in parts; s3cmd sends one part after another."""

Sync = Callable[[], Run]


def measure(root: Path, url: str) -> Iterator[Measure]:
    """Yield every figure, each contestant in turn."""
    env = environment(url)
    yield from _measure_assets(root, url, env)
    yield from _measure_documents(root, url, env)
    yield from _measure_variants(root, url, env)
    yield from _measure_memory(root, url, env)
    yield from _measure_many(root, url, env)


def _measure_assets(root: Path, url: str, env: dict[str, str]) -> Iterator[Measure]:
    """A site of hashed assets and one document."""
    folder = _build(root / "assets", "assets/{group}/x.{number:08x}A.js")
    syncs = _contestants(root, url, env, folder)
    yield from _compare("first publish", {name: [sync().seconds] for name, sync in syncs.items()})
    yield from _compare("nothing changed", _repeat(syncs, lambda _: None))
    yield from _compare("one of the hashed assets changed", _repeat(syncs, partial(_rename_one, folder)))
    _empty(root)


def _measure_documents(root: Path, url: str, env: dict[str, str]) -> Iterator[Measure]:
    """A site of documents without hashes: each release has its own, the unchanged ones copied by the server."""
    folder = _build(root / "documents", "{group}/page-{number}.html")
    syncs = _contestants(root, url, env, folder)
    for sync in syncs.values():
        sync()
    yield from _compare("one of the documents changed", _repeat(syncs, partial(_change_one, folder)))
    _empty(root)


def _measure_variants(root: Path, url: str, env: dict[str, str]) -> Iterator[Measure]:
    folder, previous = (
        _build(root / "compressed", "assets/{group}/x.{number:08x}A.js"),
        root / "compressed.json",
    )
    argv = ours_argv(url, folder, previous, root / "variants")
    note = "with br, zstd and gzip of each file"
    yield _seconds("first publish", run(argv, env).seconds, note=note)
    yield _seconds("nothing changed", run(argv, env).seconds, note=note)
    _rename_one(folder, 0)
    yield _seconds("one of the hashed assets changed", run(argv, env).seconds, note=note)


def _measure_many(root: Path, url: str, env: dict[str, str]) -> Iterator[Measure]:
    """A site of ten times as many files, ours alone: time and memory grow with the number and no faster."""
    folder = _build(root / "many", "{group}/page-{number}.html", _MANY)
    took = run(ours_argv(url, folder, root / "many.json", None), env)
    yield _seconds(f"first publish of {_MANY:,} files", took.seconds, note=f"{took.peak_mib:.0f} MiB")
    shutil.rmtree(folder)


def _measure_memory(root: Path, url: str, env: dict[str, str]) -> Iterator[Measure]:
    """One file of 2 GB, beside one of 16 MB."""
    for name, size in (("16 MB", _SMALL_BYTES), ("2 GB", _LARGE_BYTES)):
        folder = root / f"large-{size}"
        folder.mkdir()
        (folder / "index.html").write_text("large")
        with (folder / "film.mp4").open("wb") as file:
            file.truncate(size)
        syncs = _contestants(root, url, env, folder)
        for peer in (OURS, _PEER_IN_PARTS):
            took = syncs[peer]()
            note = f"in {took.seconds:.1f} s"
            yield Measure(name=f"memory, {name}, {peer}", value=round(took.peak_mib), unit="MiB", note=note)


def _contestants(root: Path, url: str, env: dict[str, str], folder: Path) -> dict[str, Sync]:
    """Return everybody's way to publish a folder, ours first; each has a bucket of its own."""
    ours: dict[str, Sync] = {
        OURS: partial(run, ours_argv(url, folder, root / f"{folder.name}.json", None), env)
    }
    theirs = {
        peer: partial(run, sync_argv(peer, url, folder, program), env) for peer, program in PEERS.items()
    }
    return ours | theirs


def _repeat(syncs: dict[str, Sync], change: Callable[[int], object]) -> dict[str, list[float]]:
    """Change the site and let everybody publish it, again and again."""
    taken: dict[str, list[float]] = {name: [] for name in syncs}
    for number in range(_REPETITIONS):
        change(number)
        for name, sync in syncs.items():
            taken[name].append(sync().seconds)
    return taken


def _compare(name: str, taken: dict[str, list[float]]) -> Iterator[Measure]:
    ours = median(taken[OURS])
    for peer in PEERS:
        yield _seconds(name, ours, peer=peer, peers=median(taken[peer]))


def _seconds(
    name: str, ours: float, *, peer: str = "", peers: float | None = None, note: str = ""
) -> Measure:
    theirs = None if peers is None else round(peers, 2)
    return Measure(name=name, value=round(ours, 2), unit="s", peer=peer, peer_value=theirs, note=note)


def _build(folder: Path, pattern: str, files: int = _FILES) -> Path:
    """Write a site of many small files, the same in every run."""
    noise = random.Random(1)
    folder.mkdir()
    (folder / "index.html").write_text("index")
    for number in range(1, files):
        path = folder / pattern.format(group=number % 100, number=number)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{number} {noise.randbytes(_FILE_BYTES // 2).hex()}")
    return folder


def _rename_one(folder: Path, number: int) -> None:
    """Do what a bundler does with a changed file: another content under another name."""
    changed = min(folder.rglob("x.*A.js"))
    changed.unlink()
    changed.with_name(f"x.{number:08x}B.js").write_text(f"changed {number}")


def _change_one(folder: Path, number: int) -> None:
    (folder / "index.html").write_text(f"changed {number}")


def _empty(root: Path) -> None:
    """Begin the next measure with empty buckets."""
    for program in ("ours", *PEERS.values()):
        shutil.rmtree(root / "buckets" / program)
        (root / "buckets" / program).mkdir()


@contextmanager
def _serve(root: Path) -> Iterator[str]:
    """Run versitygw with a bucket for each contestant."""
    for name in ("ours", *PEERS.values()):
        (root / "buckets" / name).mkdir(parents=True)
    (root / "people").mkdir()
    port = _free_port()
    argv = [str(_VERSITYGW), "--port", f"127.0.0.1:{port}", "--iam-dir", str(root / "people"), "--quiet"]
    keys = {"ROOT_ACCESS_KEY": ROOT, "ROOT_SECRET_KEY": SECRET}
    server = subprocess.Popen(
        [*argv, "posix", str(root / "buckets")], env=os.environ | keys, stdout=subprocess.DEVNULL
    )
    try:
        _wait_for(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        # It waits for connections that nobody uses any more; what it holds is thrown away.
        server.kill()
        server.wait(timeout=10)


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    sys.exit("bench sites: versitygw did not start")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def main() -> None:
    """Measure and print."""
    if not _VERSITYGW.exists():
        sys.exit("bench sites: versitygw is not built; run script/tools versitygw")
    if missing := missing_peers():
        sys.exit(f"bench sites: {', '.join(missing)} not installed; apt-get install rclone s3cmd awscli")
    root = Path(tempfile.mkdtemp(prefix="bench-sites-"))
    try:
        with _serve(root) as url, doing("publishing, minutes"):
            measures = list(measure(root, url))
    finally:
        shutil.rmtree(root)
    report(f"Publishing {_FILES:,} files of {_FILE_BYTES:,} bytes", measures)


if __name__ == "__main__":
    main()
