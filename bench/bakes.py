"""Bakes: the example's hamm by `handshake bake` and by buildah, with nothing kept and with everything kept."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.support.campaign import CampaignUnderTest, copy_campaign

from frame import Measure, compare, doing, interleave
from handshake.release.tree import remove_tree

_REPETITIONS = 3
_SERVICE = "hamm"
_PIP = (sys.executable, "-m", "pip")
_INSTALL = ("install", "--quiet", "--no-compile", "--no-deps", "--root-user-action=ignore")
_NOTE = "wheels from a local shelf; a bake is a tree and its digest, buildah's a layer in its store"

_SKELETON = {"bin": "usr/bin", "lib": "usr/lib", "lib64": "usr/lib64"}
"""Makes the host's /usr a base of a build from scratch, as `base = "host"` does for ours."""
_CONTAINERFILE = """\
FROM scratch
ENV PIP_NO_INDEX=1 PIP_FIND_LINKS={wheels} PIP_DISABLE_PIP_VERSION_CHECK=1
COPY root /
COPY {service}/requirements.txt /requirements.txt
RUN [{install}]
COPY kit /app/kit
COPY {service}/{service} /app/{service}
"""

Bake = Callable[[], float]


@dataclass(frozen=True, kw_only=True)
class Kitchen:
    """A copy of the campaign, a shelf of wheels, and what each baker keeps from one bake to the next."""

    system: CampaignUnderTest
    folder: Path

    @property
    def services(self) -> Path:
        """The services' sources: buildah's context, too."""
        return self.system.campaign / "services"

    @property
    def wheels(self) -> Path:
        """Whence every baker installs: no network is measured."""
        return self.folder / "wheels"

    def bake(self, *, is_cold: bool) -> float:
        """Bake with the verb; the seconds."""
        if is_cold and self.system.home.exists():
            remove_tree(self.system.home)
        return _time(lambda: self.system.handshake("bake", _SERVICE, "--folder", str(self.system.campaign)))

    def build(self, *, is_cold: bool) -> float:
        """Build the same files with buildah, each step a layer; the seconds."""
        if is_cold:
            self._buildah("rmi", "--all", "--force")
        readable = {sys.prefix, sys.base_prefix, "/usr", str(self.wheels)}
        volumes = [f"--volume={path}:{path}:ro" for path in sorted(readable)]
        options = ("--layers", "--isolation=chroot", "--network=host", "--tag=hamm", *volumes)
        return _time(lambda: self._buildah("build", *options, str(self.services)))

    def install(self, *, is_cold: bool) -> float:
        """Do the least that any baker does: pip into a folder, copies beside it, one archive; the seconds."""
        tree = self.folder / "floor"
        if is_cold:
            shutil.rmtree(tree, ignore_errors=True)
        return _time(lambda: self._put_together(tree))

    def prepare(self) -> None:
        """Fetch the wheels that the recipe pins, and write down for buildah what the recipe says."""
        lock = self.services / _SERVICE / "requirements.txt"
        _run(*_PIP, "download", "--quiet", "--no-deps", f"--dest={self.wheels}", f"--requirement={lock}")
        # For every pip from here on, that of the verb too.
        os.environ.update(PIP_NO_INDEX="1", PIP_FIND_LINKS=str(self.wheels))
        command = (*_PIP, *_INSTALL, "--target=/app/lib", "--requirement=/requirements.txt")
        install = ", ".join(f'"{word}"' for word in command)
        text = _CONTAINERFILE.format(service=_SERVICE, wheels=self.wheels, install=install)
        (self.services / "Containerfile").write_text(text)
        root = self.services / "root"
        root.mkdir()
        for name, target in _SKELETON.items():
            (root / name).symlink_to(target)

    def _put_together(self, tree: Path) -> None:
        if not tree.exists():
            lock = self.services / _SERVICE / "requirements.txt"
            _run(*_PIP, *_INSTALL, f"--target={tree / 'lib'}", f"--requirement={lock}")
        for source in (self.services / "kit", self.services / _SERVICE / _SERVICE):
            shutil.copytree(source, tree / source.name, dirs_exist_ok=True)
        _run("tar", "--create", f"--file={self.folder / 'floor.tar'}", f"--directory={tree}", ".")

    def _buildah(self, *words: str) -> None:
        store, run = self.folder / "store", self.folder / "run"
        _run("buildah", f"--root={store}", f"--runroot={run}", "--storage-driver=overlay", *words)


def measure_bakes() -> Iterator[Measure]:
    """Bake in turn; where there is no buildah, against the least that any baker does."""
    with _context() as context:
        context.prepare()
        peer, theirs = (
            ("buildah build --layers", context.build)
            if shutil.which("buildah")
            else ("pip install --target, tar", context.install)
        )
        for name, is_cold in (("cold", True), ("warm", False)):
            with doing(f"{name} bakes: handshake and {peer} in turn"):
                seconds = _race(
                    {
                        "ours": partial(context.bake, is_cold=is_cold),
                        "theirs": partial(theirs, is_cold=is_cold),
                    }
                )
            yield compare(
                f"bake {_SERVICE}, {name}", "s", seconds["ours"], peer, seconds["theirs"], note=_NOTE
            )


def _race(bakers: Mapping[str, Bake]) -> dict[str, list[float]]:
    return interleave(bakers, repetitions=_REPETITIONS)


@contextmanager
def _context() -> Iterator[Kitchen]:
    """Yield a context whose shelf is all that pip knows of, and remove it with all that it kept."""
    folder = Path(tempfile.mkdtemp(prefix="handshake-bakes-"))
    context = Kitchen(system=copy_campaign(folder), folder=folder)
    try:
        yield context
    finally:
        remove_tree(folder)


def _time(act: Callable[[], object]) -> float:
    begun = time.perf_counter()
    act()
    return time.perf_counter() - begun


def _run(*command: str) -> None:
    """Run a program; AssertionError with its words where it fails."""
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode:
        raise AssertionError(f"{' '.join(command)} exited {run.returncode}:\n{run.stdout}\n{run.stderr}")
