"""Images of Node services and of prebuilt binaries, baked by the real npm and run in a sandbox."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from handshake.core.errors import UnavailableError
from handshake.image.steps import BuildOrigin
from handshake.release.manifest import release_id
from tests.live.baking import bake_service, materialise_from, open_folder, run_to_end
from tests.live.npm_registry import INTEGRITY, npm_registry

pytestmark = pytest.mark.live

needs_npm = pytest.mark.skipif(
    shutil.which("npm") is None and not os.environ.get("CI"), reason="npm is not installed"
)
needs_compiler = pytest.mark.skipif(
    shutil.which("cc") is None and not os.environ.get("CI"), reason="no C compiler is installed"
)
NODE_RECIPE = """\
command = ["node", "main.js"]
base = "host"
[[build]]
node = "package-lock.json"
to = "."
[[build]]
copy = "main.js"
to = "main.js"
"""
PACKAGE = {"name": "app", "version": "1.0.0", "dependencies": {"greeting": "1.0.0"}}
BINARY_RECIPE = """\
command = ["./bin/server"]
base = "host"
[[build]]
copy = "server"
executable = true
to = "bin/server"
"""
SOURCE = '#include <stdio.h>\nint main(void) { puts("hello from a binary"); return 7; }\n'


@pytest.fixture
def folder() -> Iterator[Path]:
    with open_folder() as made:
        yield made


@pytest.fixture
def asked(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What npm asks the only registry that it knows."""
    with npm_registry() as (address, asked):
        settings = folder / "npmrc"
        settings.write_text(f"registry={address}\n")
        monkeypatch.setenv("npm_config_userconfig", str(settings))
        monkeypatch.setenv("npm_config_registry", address)
        yield asked


def write_service(folder: Path, integrity: str = INTEGRITY) -> Path:
    """Write a Node service with one locked package, in a campaign of its own."""
    service = folder / "campaign" / "app"
    service.mkdir(parents=True)
    root = PACKAGE | {"dependencies": {"greeting": "1.0.0"}}
    locked = {"version": "1.0.0", "integrity": integrity}
    lock = {"name": "app", "version": "1.0.0", "lockfileVersion": 3, "requires": True}
    lock["packages"] = {"": root, "node_modules/greeting": locked}
    (service / "package.json").write_text(json.dumps(PACKAGE))
    (service / "package-lock.json").write_text(json.dumps(lock))
    (service / "main.js").write_text("console.log(require('greeting'))\n")
    (service / "service.toml").write_text(NODE_RECIPE)
    return service


@needs_npm
def test_a_node_service_is_baked_and_runs(folder: Path, asked: list[str]) -> None:
    """Packages of the lock file are in the image, no script of theirs was run, and the service finds them."""
    service = write_service(folder)
    baked = bake_service(service, folder / "image", folder / "cache")
    assert [file.path for file in baked.manifest.files] == [
        "main.js",
        "node_modules/greeting/index.js",
        "node_modules/greeting/package.json",
    ]
    assert any(path.endswith(".tgz") for path in asked)
    tree = materialise_from(folder / "image", baked.manifest, folder / "trees" / "image")
    assert run_to_end(folder, tree, baked.manifest) == (("hello from a package",), "exit code 0")


@needs_npm
def test_node_packages_are_unpacked_once_and_alike(folder: Path, asked: list[str]) -> None:
    """A second bake asks for nothing; a bake with a cache of its own gives the same digest."""
    service = write_service(folder)
    first = bake_service(service, folder / "first", folder / "cache")
    before = len(asked)
    second = bake_service(service, folder / "second", folder / "cache")
    assert len(asked) == before
    assert (first.steps[0].origin, second.steps[0].origin) == (BuildOrigin.UNPACKED, BuildOrigin.CACHED)
    other = bake_service(service, folder / "other", folder / "other-cache")
    assert release_id(first.manifest) == release_id(second.manifest) == release_id(other.manifest)


@needs_npm
@pytest.mark.usefixtures("asked")
def test_a_package_that_changed_is_refused(folder: Path) -> None:
    """A registry that gives other bytes than the lock file's integrity says stops the bake with npm's own words."""
    service = write_service(folder, integrity="sha512-" + "A" * 86 + "==")
    with pytest.raises(UnavailableError) as caught:
        bake_service(service, folder / "image", folder / "cache")
    assert "EINTEGRITY" in caught.value.details


@needs_compiler
def test_a_prebuilt_binary_is_baked_and_runs(folder: Path) -> None:
    """A binary that needs nothing runs in the sandbox, though it arrived without its mode."""
    service = folder / "campaign" / "app"
    service.mkdir(parents=True)
    (folder / "main.c").write_text(SOURCE)
    subprocess.run(["cc", "-static", "-o", service / "server", folder / "main.c"], check=True)
    (service / "server").chmod(0o644)
    (service / "service.toml").write_text(BINARY_RECIPE)
    baked = bake_service(service, folder / "image", folder / "cache")
    tree = materialise_from(folder / "image", baked.manifest, folder / "trees" / "image")
    assert run_to_end(folder, tree, baked.manifest) == (("hello from a binary",), "exit code 7")
