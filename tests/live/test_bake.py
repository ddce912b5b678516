"""Images baked with the real pip, from wheels that the test makes, and run in a sandbox."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from handshake.core.clock import SystemClock
from handshake.core.digest import Digest
from handshake.core.errors import UnavailableError
from handshake.drivers.npm.packages import NpmPackages
from handshake.drivers.pip.wheels import PipWheels
from handshake.drivers.process.program import ProgramState
from handshake.drivers.sandbox.confinement import find_confinement
from handshake.drivers.sandbox.sandbox import Limits, Sandbox
from handshake.drivers.sandbox.sandboxes import Sandboxes
from handshake.fleet.instance import Assignment, Generation
from handshake.fleet.instances.launch import instance_environment
from handshake.image.bake import BuildContext, bake
from handshake.image.contents import PackageSource
from handshake.image.recipe import read_recipe
from handshake.release.image_contract import parse_contract
from handshake.release.manifest import Manifest, release_id
from handshake.release.tree import materialise, remove_tree

pytestmark = pytest.mark.live

RECIPE = """\
command = ["python3", "-m", "hamm"]
base = "host"
[environment]
PYTHONPATH = "/app/lib:/app"
[[build]]
python = "requirements.txt"
to = "lib"
[[build]]
copy = "hamm"
to = "hamm"
"""
MAIN = "import os, greeting; print(greeting.TEXT, os.environ['HANDSHAKE_IMAGE'])\n"


def write_wheel(shelf: Path) -> None:
    """Put a wheel of one module and one script on a shelf."""
    info = "greeting-1.0.dist-info"
    shelf.mkdir()
    with zipfile.ZipFile(shelf / "greeting-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("greeting.py", "TEXT = 'hello from a wheel'\n")
        wheel.writestr(
            f"{info}/METADATA", "Metadata-Version: 2.1\nName: greeting\nVersion: 1.0\nRequires-Dist: more\n"
        )
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/entry_points.txt", "[console_scripts]\ngreet = greeting:main\n")
        wheel.writestr(f"{info}/RECORD", "")


@pytest.fixture
def campaign(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A campaign with one service and a shelf of wheels, in a folder that instances' users may enter."""
    folder = Path(tempfile.mkdtemp(prefix="handshake-"))
    folder.chmod(0o755)
    write_wheel(folder / "shelf")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder / "shelf"))
    service = folder / "campaign" / "hamm"
    (service / "hamm").mkdir(parents=True)
    (service / "hamm" / "__main__.py").write_text(MAIN)
    (service / "requirements.txt").write_text("greeting==1.0\n")
    (service / "service.toml").write_text(RECIPE)
    yield folder / "campaign"
    remove_tree(folder)


def bake_at(campaign: Path, name: str) -> Manifest:
    """Bake the service with a staging folder and a cache of their own."""
    service = campaign / "hamm"
    cache = campaign.parent / f"{name}-cache"
    packages = PackageSource(cache=cache, wheels=PipWheels(), node=NpmPackages(cache / "npm"))
    context = BuildContext(campaign=campaign, packages=packages, clock=SystemClock())
    return bake(read_recipe(service), service, campaign.parent / name, context, lambda _: None).manifest


def test_pip_leaves_nothing_of_this_machine(campaign: Path) -> None:
    """Two bakes, each with a pip run of its own, give one digest, and no script, record or byte code is in it."""
    first, second = bake_at(campaign, "first"), bake_at(campaign, "second")
    assert release_id(first) == release_id(second)
    assert [file.path for file in first.files] == [
        "hamm/__main__.py",
        "lib/greeting-1.0.dist-info/METADATA",
        "lib/greeting-1.0.dist-info/WHEEL",
        "lib/greeting-1.0.dist-info/entry_points.txt",
        "lib/greeting.py",
    ]


BAKE_ELSEWHERE = """\
import os, sys
from pathlib import Path
os.umask(0o077)
from handshake.release.manifest import release_id
from tests.live.baking import bake_service
service, staging, cache = map(Path, sys.argv[1:])
print(release_id(bake_service(service, staging, cache).manifest))
"""


def test_another_machine_gives_the_same_digest(campaign: Path) -> None:
    """Neither folder, umask, locale, time zone, user, home nor host name get into an image."""
    elsewhere = campaign.parent / "else where" / "ünter"
    shutil.copytree(campaign, elsewhere / "campaign")
    for path in elsewhere.rglob("*"):
        path.chmod(0o700 if path.is_dir() else 0o600)
        os.utime(path, (1, 1))
    environment = {
        "HOME": str(elsewhere),
        "HOSTNAME": "elsewhere",
        "LANG": "tr_TR.UTF-8",
        "LC_ALL": "C",
        "LOGNAME": "nobody",
        "PATH": os.environ["PATH"],
        "PIP_FIND_LINKS": os.environ["PIP_FIND_LINKS"],
        "PIP_NO_INDEX": "1",
        "PYTHONHASHSEED": "7",
        "PYTHONPATH": os.pathsep.join(sys.path),
        "PYTHONUTF8": "1",
        "TZ": "Pacific/Kiritimati",
        "USER": "nobody",
    }
    words = (elsewhere / "campaign" / "hamm", elsewhere / "image", elsewhere / "cache")
    renamed = ("--uts", "sh", "-c", 'hostname elsewhere && exec "$@"', "sh")
    unshared = ("unshare", "--user", "--map-root-user", *renamed) if os.geteuid() == 0 else ()
    run = subprocess.run(
        [*unshared, sys.executable, "-c", BAKE_ELSEWHERE, *words],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    assert run.stdout.strip() == release_id(bake_at(campaign, "here"))


def test_wheel_that_cannot_be_had_is_named(campaign: Path) -> None:
    """Where pip finds no wheel, the error carries pip's own words, and the cache keeps nothing half-made."""
    (campaign / "hamm" / "requirements.txt").write_text("greeting==2.0\n")
    with pytest.raises(UnavailableError) as caught:
        bake_at(campaign, "image")
    assert "greeting==2.0" in caught.value.details
    assert list((campaign.parent / "image-cache" / "python").iterdir()) == []


def test_baked_image_runs_in_a_sandbox(campaign: Path) -> None:
    """A baked image, materialised by its digests, runs as its contract says, and knows its own release."""
    manifest = bake_at(campaign, "image")
    blobs = {file.digest: campaign.parent / "image" / file.path for file in manifest.files}
    tree = campaign.parent / "trees" / "image"

    def read_blob(digest: Digest) -> bytes:
        return blobs[digest].read_bytes()

    materialise(manifest.files, read_blob, tree)
    contract = parse_contract(manifest.contract)
    assignment = Assignment(
        instance="hamm-1",
        node="n1",
        service="hamm",
        generation=Generation(image=release_id(manifest)),
        assigned_at=0.0,
        phase_at=0.0,
    )
    sandbox = Sandbox(
        instance="hamm-1",
        service="hamm",
        command=contract.command,
        tree=tree,
        templates=None,
        environment=instance_environment(contract, assignment, host="127.0.0.1", port=1),
        limits=Limits(memory_megabytes=contract.memory_megabytes),
    )
    sandboxes = Sandboxes(campaign.parent / "instances", confinement=find_confinement())
    sandboxes.launch(sandbox, secrets={})
    deadline = time.monotonic() + 10
    while sandboxes.observe("hamm-1").state is ProgramState.RUNNING and time.monotonic() < deadline:
        time.sleep(0.02)
    sandboxes.stop("hamm-1", drain_seconds=0)
    assert sandboxes.log_tail("hamm-1") == (f"hello from a wheel {release_id(manifest)}",)
    assert sandboxes.observe("hamm-1").evidence == "exit code 0"
