"""A publisher that gets killed, has much to do, or finds the disk full."""

import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from handshake.core.digest import digest_bytes
from handshake.drivers.directory.store import DirectoryStore, make_region
from handshake.release.manifest import Manifest, is_compressible, release_id
from handshake.release.objects import document_key, manifest_key
from handshake.release.upload import read_digests
from handshake.site.release import read_site
from handshake.site.upload import asset_keys, document_keys
from tests.live.regions import ASSETS, CALLS, build, open_folder, publish

pytestmark = pytest.mark.live

FULL_DISK = """
import subprocess, sys
from pathlib import Path
from handshake.core.errors import UnavailableError
from handshake.drivers.directory.store import make_region
root = Path(sys.argv[1])
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(root)], check=True)
store = make_region(root, "west")
store.put("small", b"content")
try:
    store.put("large", bytes(1_000_000))
except UnavailableError as error:
    print(error.what, "|", error.hint)
print(list(store.keys("")), list((root / ".incoming").iterdir()))
store.put("small again", b"content")
"""

PUBLISHER = """
import sys
from pathlib import Path
from handshake.drivers.directory.store import make_region
from handshake.site.upload import publish_site
from handshake.site.release import read_site
from tests.live.regions import ASSETS, made
regions, folder = sys.argv[1:3], Path(sys.argv[3])
manifest = read_site(folder, ASSETS)
def report(progress):
    print(progress.region, progress.done, flush=True)
publish_site([make_region(Path(region), region) for region in regions], manifest, folder,
             site="calls", previous=None, provenance=made(manifest), report=report, variants=folder.parent / "variants")
print("sealed", flush=True)
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    with open_folder() as made:
        yield made


@pytest.mark.parametrize("lines", [0, 1, 2, 30, 120, 240, 400, 474, 475, 476, 477])
def test_a_killed_publisher_leaves_no_half_release(folder: Path, lines: int) -> None:
    """Wherever a publisher is killed, no region names a release that it does not hold; trying again ends it."""
    files = CALLS | {f"page-{number}.html": b"%d" % number * 3000 for number in range(51)}
    dist = build(folder / "dist", files)
    stores = [make_region(folder / name, name) for name in ("east", "west")]
    manifest = read_site(dist, ASSETS)
    kill_after(lines, [str(folder / "east"), str(folder / "west"), str(dist)])
    for store in stores:
        assert_whole(store, manifest, is_sealed=store.info(manifest_key(release_id(manifest))) is not None)
    publish(stores, dist)
    for store in stores:
        assert_whole(store, manifest, is_sealed=True)
        assert store.info(manifest_key(release_id(manifest)))


def kill_after(lines: int, arguments: list[str]) -> None:
    """Publish in a process of its own, and kill it a random moment after it told so many lines."""
    process = subprocess.Popen(
        [sys.executable, "-c", PUBLISHER, *arguments], stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]
    )
    assert process.stdout
    for _ in range(lines):
        process.stdout.readline()
    time.sleep(random.Random(lines).random() * 0.003)
    process.kill()
    process.wait(timeout=10)
    process.stdout.close()


def assert_whole(store: DirectoryStore, manifest: Manifest, *, is_sealed: bool) -> None:
    """Assert that a region holds all objects of a release if it is sealed, and none of them half in any case."""
    expected = {
        key: file.digest
        for keys in (asset_keys("calls", manifest), document_keys("calls", manifest))
        for key, file in keys.items()
    }
    held = read_digests(store, expected)
    assert held.items() <= expected.items()
    assert not is_sealed or held == expected


def test_publishes_thousands_of_small_objects(folder: Path) -> None:
    """A large site gets into two regions in reasonable time; its next release shares what did not change."""
    files = {f"docs/{n % 100}/{n}.html": f"<p>{n}</p>".encode() for n in range(1_000)} | CALLS
    stores = [make_region(folder / name, name) for name in ("east", "west")]
    began = time.monotonic()
    first, _ = publish(stores, build(folder / "dist", files))
    assert time.monotonic() - began < 120
    second, reports = publish(stores, build(folder / "dist", {"index.html": b"new"}), previous=first)
    assert reports[-1].total == sum(
        4 if is_compressible(file.path) else 1 for file in document_keys("calls", second).values()
    )
    key = document_key("calls", release_id(second), "docs/7/7.html")
    assert stores[0].get(key) == b"<p>7</p>"
    assert (folder / "east" / key).stat().st_nlink == 2
    assert digest_bytes(stores[1].get(manifest_key(release_id(second))) or b"") == release_id(second)


def test_a_full_disk_is_told_and_keeps_what_it_holds(folder: Path) -> None:
    """What does not fit is refused as a whole, with the folder to look after, and the rest goes on."""
    arguments = [
        "unshare",
        "--user",
        "--map-root-user",
        "--mount",
        sys.executable,
        "-c",
        FULL_DISK,
        str(folder),
    ]
    finished = subprocess.run(arguments, capture_output=True, text=True, check=True)
    assert finished.stdout.splitlines() == [
        f"region west is full | Free some space under {folder} and try again.",
        "['small'] []",
    ]
