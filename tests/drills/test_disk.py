"""Drill 17: the disk is full at a bake."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.live

RECIPE = """\
command = ["python3", "-m", "hamm"]
base = "host"
[[build]]
copy = "hamm"
to = "hamm"
"""
FULL_DISK = """
import subprocess, sys
from pathlib import Path
from handshake.campaign.publish import Publisher, ProgressReporter, PublishContext
from handshake.core.clock import SystemClock
from handshake.core.errors import HandshakeError
from handshake.core.subject import parse_subject
from handshake.release.signature import KeyId, Signature
from handshake.drivers.directory.store import make_region
from handshake.drivers.mmdebstrap.debian import Mmdebstrap
from handshake.drivers.npm.packages import NpmPackages
from handshake.drivers.pip.wheels import PipWheels
from handshake.image.contents import PackageSource

campaign, full, roomy, goes_full = Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4]
folders = {"cache": roomy / "cache", "east": roomy / "east", "west": roomy / "west"} | {goes_full: full}

def mount(options):
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(full)], check=True)

mount("size=512k")
packages = PackageSource(cache=folders["cache"], wheels=PipWheels(), node=NpmPackages(folders["cache"]))
stores = [make_region(folders[name], name) for name in ("east", "west")]
shop = PublishContext(
    campaign=campaign, cache=folders["cache"], stores=stores,
    stores_of_site=lambda _: stores, package_source_for=lambda _: packages, debian=Mmdebstrap(),
    describe_source=lambda _: ("", ""), run_build=lambda *_: None,
    sign=lambda release: Signature(key=KeyId("k" * 16), value=b"signed"), builder="test",
)

def publish():
    silent = ProgressReporter(step=lambda _: None, upload=lambda _: None)
    return Publisher(shop, SystemClock()).publish(
        parse_subject("image/hamm"), silent, source=campaign / "services" / "hamm")

try:
    publish()
except HandshakeError as error:
    print("said:", error.what, "|", error.hint)
print("releases:", [key for store in stores for key in store.keys("releases/")])
print("left:", [path.name for path in folders["cache"].glob("*")] if folders["cache"].exists() else [])
mount("remount,size=16m")
print("published:", publish())
"""


@pytest.mark.parametrize("goes_full", ["cache", "east", "west"])
def test_disk_full_at_bake(tmp_path: Path, goes_full: str) -> None:
    """Drill 17: a publish says which disk is full, names no release anywhere, leaves nothing, and works afterwards."""
    service = tmp_path / "campaign" / "services" / "hamm"
    (service / "hamm").mkdir(parents=True)
    (service / "service.toml").write_text(RECIPE)
    (service / "hamm" / "__main__.py").write_text("print('hamm')\n")
    (service / "hamm" / "large.bin").write_bytes(os.urandom(2_000_000))
    for name in ("full", "roomy"):
        (tmp_path / name).mkdir()

    said = in_namespace(FULL_DISK, tmp_path / "campaign", tmp_path / "full", tmp_path / "roomy", goes_full)

    assert "full" in said["said"]
    assert "Free some space" in said["said"]
    assert said["releases"] == "[]"
    assert "staging" not in said["left"]
    assert said["published"].startswith("sha256:")


def in_namespace(script: str, *arguments: object) -> dict[str, str]:
    """Run a script as root of mount and user namespaces of its own, and return its lines by their first word."""
    namespaces = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--mount", "--map-root-user"]
    if subprocess.run([*namespaces, "true"], check=False, capture_output=True).returncode:
        message = "this kernel gives no mount namespace"
        pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)
    run = subprocess.run(
        [*namespaces, sys.executable, "-c", script, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    lines = (line.partition(": ") for line in run.stdout.splitlines())
    return {word: rest for word, _, rest in lines}
