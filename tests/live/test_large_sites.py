"""Sites beyond what anybody should publish: a file of 2 GB, and a hundred thousand files."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from handshake.core.digest import Digest
from handshake.release.objects import document_key, manifest_key

pytestmark = pytest.mark.live

LARGE_BYTES = 2 << 30
MANY = 100_000
IN_MEMORY = Path("/dev/shm")

PUBLISHER = """
import json, resource, sys
from pathlib import Path
from handshake.drivers.directory.store import make_region
from handshake.release.manifest import release_id
from tests.live.regions import publish
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
folder = Path(sys.argv[1])
stores = [make_region(folder / "east", "east")]
publish(stores, folder / "small")
before = peak()
manifest, reports = publish(stores, folder / "dist")
print(json.dumps({"grown_mib": peak() - before, "sent": reports[-1].total, "release": release_id(manifest)}))
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """Return a folder that costs no disk, where the machine has one."""
    place = IN_MEMORY if IN_MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="handshake-large-", dir=place) as name:
        for site in ("small", "dist"):
            (Path(name) / site).mkdir()
            (Path(name) / site / "index.html").write_text("index")
        yield Path(name)


@dataclass(frozen=True, kw_only=True)
class Published:
    """What a process told that published a small site, and then the large one."""

    release: Digest
    sent: int
    """Objects."""
    grown_mib: int


def published(folder: Path) -> Published:
    """Publish both sites in a process of its own."""
    argv = [sys.executable, "-c", PUBLISHER, str(folder)]
    run = subprocess.run(argv, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True)
    return Published(**json.loads(run.stdout))


def test_a_file_of_two_gigabytes_takes_no_more_memory_than_a_small_one(folder: Path) -> None:
    """It is read in pieces on the whole way: listed, compared, written and read back."""
    with (folder / "dist/film.mp4").open("wb") as file:
        file.truncate(LARGE_BYTES)
    told = published(folder)
    assert told.grown_mib < 32
    assert (folder / "east" / document_key("calls", told.release, "film.mp4")).stat().st_size == LARGE_BYTES


def test_a_hundred_thousand_files_are_published(folder: Path) -> None:
    """All of them get into the region, in memory that follows their number by a few kilobytes each."""
    for number in range(MANY):
        if number % 1000 == 0:
            (folder / f"dist/{number // 1000}").mkdir()
        (folder / f"dist/{number // 1000}/{number}.png").write_bytes(b"%d" % number)
    told = published(folder)
    assert told.sent >= MANY
    assert told.grown_mib < 600
    assert (folder / "east" / manifest_key(told.release)).is_file()
