"""Bases from Debian packages: reproducible, and all that an instance sees of /usr."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from handshake.core.clock import SystemClock
from handshake.core.digest import Digest
from handshake.core.errors import UnavailableError
from handshake.drivers.mmdebstrap.debian import Mmdebstrap
from handshake.image.bake import Baked
from handshake.image.bases import BaseRecipe, Debian, bake_base
from handshake.release.manifest import Manifest, release_id
from handshake.release.provenance import Material
from tests.live.baking import bake_service, materialise_from, open_folder, run_to_end
from tests.system.campaign_up import system_up

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(
        shutil.which("mmdebstrap") is None and not os.environ.get("CI"), reason="mmdebstrap is not installed"
    ),
]

RECIPE = BaseRecipe(packages=("python3", "ca-certificates"))
SERVICE = """\
command = ["python3", "look.py"]
base = "BASE"
[[build]]
copy = "look.py"
to = "look.py"
"""
LOOK = """\
import json, os, shutil, ssl, sys
def file(path):
    found = os.stat(path)
    return [found.st_dev, found.st_ino]
with open("/proc/self/maps") as maps:
    mapped = sorted({line.split(None, 5)[5].strip() for line in maps if "/" in line})
print(json.dumps({
    "python": file(sys.executable),
    "libraries": {path: file(path) for path in mapped},
    "authorities": len(ssl.create_default_context().get_ca_certs()),
    "bwrap": shutil.which("bwrap"),
    "root": sorted(os.listdir("/")),
}))
"""


@dataclass(frozen=True, kw_only=True)
class BakedBase:
    """A base that was baked and materialised."""

    folder: Path
    tree: Path
    manifest: Manifest

    @property
    def release(self) -> Digest:
        """The base's id."""
        return release_id(self.manifest)


class NoMoreDebian(Mmdebstrap):
    """Knows what Debian offers, and has no way to it."""

    def unpack(self, suite: str, packages: tuple[str, ...], folder: Path) -> tuple[Material, ...]:
        """Refuse."""
        raise UnavailableError(f"no way to {suite}", details=f"{packages} for {folder}")


def bake_with(debian: Debian, folder: Path) -> Baked:
    """Bake into a folder of its own, with a cache in which nothing lies yet."""
    return bake_base(
        RECIPE, folder / "staging", debian, folder / "cache", lambda _: None, clock=SystemClock()
    )


@pytest.fixture(scope="module")
def base() -> Iterator[BakedBase]:
    """A base with Python."""
    with open_folder() as folder:
        manifest = bake_with(Mmdebstrap(), folder).manifest
        tree = materialise_from(folder / "staging", manifest, folder / "trees" / "base")
        yield BakedBase(folder=folder, tree=tree, manifest=manifest)


def test_the_same_packages_give_the_same_base(base: BakedBase) -> None:
    """A second bake gives the same digest, and says which packages, by their digests, it is made of."""
    with open_folder() as folder:
        again = bake_with(Mmdebstrap(), folder)
    assert release_id(again.manifest) == base.release
    assert {"pkg:deb/debian/python3-minimal", "pkg:deb/debian/libc6", "pkg:deb/debian/util-linux"} <= {
        each.uri.partition("@")[0] for each in again.materials
    }
    assert all(each.digest for each in again.materials)


def test_the_same_recipe_is_baked_once(base: BakedBase) -> None:
    """While Debian offers nothing else, the next bake takes the base that was put together, links and all."""
    again = bake_base(
        RECIPE,
        base.folder / "again",
        NoMoreDebian(),
        base.folder / "cache",
        lambda _: None,
        clock=SystemClock(),
    )
    assert release_id(again.manifest) == base.release
    assert "pkg:deb/debian/libc6" in {each.uri.partition("@")[0] for each in again.materials}


def test_a_base_holds_files_and_links_alone(base: BakedBase) -> None:
    """No device, no privilege, no packages' state, nothing for people to read: files of two modes, and links."""
    paths = [file.path for file in base.manifest.files]
    assert {path.split("/")[0] for path in paths} == {"usr", "etc"}
    assert {file.mode for file in base.manifest.files} == {0o644, 0o755, 0o120000}
    assert not [path for path in paths if path.startswith(("usr/share/doc/", "usr/share/man/"))]


def test_an_instance_sees_its_base_and_not_the_host(base: BakedBase) -> None:
    """Interpreter, libraries and certificates inside are the base's files; a program of the host is not to be found."""
    service = base.folder / "campaign" / "look"
    service.mkdir(parents=True)
    (service / "look.py").write_text(LOOK)
    (service / "service.toml").write_text(SERVICE.replace("BASE", base.release))
    baked = bake_service(service, base.folder / "image", base.folder / "cache")
    assert baked.manifest.base == base.release
    tree = materialise_from(base.folder / "image", baked.manifest, base.folder / "trees" / "image")

    said, ending = run_to_end(base.folder, tree, baked.manifest, base=base.tree)

    assert ending == "exit code 0", said
    seen = json.loads(said[-1])
    assert seen["python"] == identity(base.tree / "usr/bin/python3")
    libraries = {path: its for path, its in seen["libraries"].items() if ".so" in path}
    assert any("libc.so" in path for path in libraries)
    assert libraries == {path: identity(base.tree / path.lstrip("/")) for path in libraries}
    assert seen["authorities"] > 100
    assert shutil.which("bwrap")
    assert seen["bwrap"] is None


def identity(path: Path) -> list[int]:
    """Return what a file is, whatever its name: two names of the same file give the same."""
    found = path.stat()
    return [found.st_dev, found.st_ino]


@pytest.mark.timeout(600)
def test_a_service_on_a_base_arrives() -> None:
    """A campaign publishes a base and a service on it; its instances answer, and run on the base's files."""
    with system_up() as system:
        folder = system.root / "debian"
        folder.mkdir()
        (folder / "base.toml").write_text('packages = ["python3", "ca-certificates"]\n')
        base = system.verb("publish", "image/debian", str(folder))["release"]
        said = system.handshake("contract", "check", base, check=False)
        assert (said.returncode, "is a base" in said.stderr) == (1, True), said.stderr
        recipe = system.campaign / "services" / "events" / "service.toml"
        recipe.write_text(recipe.read_text().replace('base = "host"', f'base = "{base}"'))

        arrival = system.verb("publish", "image/events", "--promote")

        assert arrival["ending"] == "arrived"
        assert system.get("/api/events/events").status == 200
        (on_host,) = (note for note in system.verb("status")["notes"] if 'base = "host"' in note)
        assert "events" not in on_host.partition(":")[0]
        (fleet,) = (each for each in system.verb("status")["fleets"] if each["service"] == "events")
        python = (
            system.home / "data" / "campaign" / "trees" / base.removeprefix("sha256:") / "usr/bin/python3"
        )
        for instance in fleet["instances"]:
            pid = system.pid_of(instance["instance"])
            assert identity(Path(f"/proc/{pid}/exe")) == identity(python)
