"""Baking puts exactly the recipe's files together, and gives the same digest for the same input anywhere."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.support.clock import FakeClock
from tests.support.disk import note_disk_calls

from handshake.core.digest import digest_bytes
from handshake.core.errors import RefusedError
from handshake.core.problem import ProblemsError
from handshake.core.subject import Kind
from handshake.drivers.ed25519.scheme import Ed25519
from handshake.image.bake import BuildContext, bake
from handshake.image.contents import PackageSource, cached_packages
from handshake.image.recipe import read_recipe
from handshake.image.steps import BuildOrigin, BuildProgress
from handshake.release.image_contract import parse_contract
from handshake.release.manifest import Manifest, release_id
from handshake.release.provenance import Material

RECIPE = """\
command = ["python3", "-m", "hamm"]
base = "host"
[[build]]
python = "requirements.txt"
to = "lib"
[[build]]
copy = "hamm"
to = "hamm"
[[build]]
copy = "settings.json"
to = "etc/settings.json"
"""


@dataclass(kw_only=True)
class ShelfWheels:
    """Wheels that lie on a shelf: each requirement becomes a module and what an installer writes beside it."""

    name: str = "python"
    machine: str = "here"
    unpacked: list[str] = field(default_factory=list)

    def target(self) -> str:
        """Return the interpreter that the wheels are for."""
        return "cp3.11-test"

    def unpack(self, lock: Path, folder: Path) -> None:
        """Put each requirement's files into the folder."""
        self.unpacked.append(lock.read_text())
        for line in lock.read_text().split():
            name, _, version = line.partition("==")
            info = folder / f"{name}-{version}.dist-info"
            for path in (folder / name / "__pycache__", info, folder / "bin"):
                path.mkdir(parents=True, exist_ok=True)
            (folder / name / "__init__.py").write_text(f"version = {version!r}")
            (folder / name / "__pycache__" / "__init__.cpython-311.pyc").write_text(self.machine)
            (folder / "bin" / name).write_text(f"#!/{self.machine}/python3")
            (info / "METADATA").write_text(f"Version: {version}")
            for noise in ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json"):
                (info / noise).write_text(self.machine)


@pytest.fixture
def campaign(tmp_path: Path) -> Path:
    """A campaign with one service."""
    service = tmp_path / "campaign" / "hamm"
    (service / "hamm" / "__pycache__").mkdir(parents=True)
    (service / "hamm" / "__main__.py").write_text("print('hamm')")
    (service / "hamm" / "__pycache__" / "__main__.cpython-311.pyc").write_text("noise")
    (service / "settings.json").write_text("{}")
    (service / "unused.txt").write_text("unused")
    (service / "requirements.txt").write_text("redis==8.1.0\n")
    (service / "service.toml").write_text(RECIPE)
    return tmp_path / "campaign"


def ignore(_: BuildProgress) -> None:
    """Take a report of progress and do nothing."""


def bake_at(
    campaign: Path,
    name: str,
    *,
    wheels: ShelfWheels | None = None,
    reports: list[BuildProgress] | None = None,
) -> Manifest:
    """Bake the campaign's service, with a staging folder and a cache of the given name."""
    service = campaign / "hamm"
    context = context_of(campaign, f"{name}-cache", wheels or ShelfWheels())
    report = [] if reports is None else reports
    return bake(read_recipe(service), service, campaign.parent / name, context, report.append).manifest


def context_of(campaign: Path, cache: str, wheels: ShelfWheels) -> BuildContext:
    """Return a context with a cache beside the campaign."""
    packages = PackageSource(cache=campaign.parent / cache, wheels=wheels, node=ShelfWheels(name="node"))
    return BuildContext(campaign=campaign, packages=packages, clock=FakeClock())


def test_image_holds_the_recipe_and_nothing_else(campaign: Path) -> None:
    """An image holds what its steps bring: no byte code, no installer's notes, nothing that no step named."""
    manifest = bake_at(campaign, "image")
    assert (manifest.kind, manifest.base) == (Kind.IMAGE, "host")
    assert [file.path for file in manifest.files] == [
        "etc/settings.json",
        "hamm/__main__.py",
        "lib/redis-8.1.0.dist-info/METADATA",
        "lib/redis/__init__.py",
    ]
    assert parse_contract(manifest.contract).command == ("python3", "-m", "hamm")


def test_same_input_gives_the_same_digest(campaign: Path, tmp_path: Path) -> None:
    """A copy of the source, baked elsewhere by another machine's installer, gives the same release."""
    elsewhere = tmp_path / "elsewhere" / "campaign"
    shutil.copytree(campaign, elsewhere)
    for path in elsewhere.rglob("*.py"):
        path.chmod(0o600)
    first = bake_at(campaign, "image", wheels=ShelfWheels(machine="here"))
    second = bake_at(elsewhere, "other", wheels=ShelfWheels(machine="there"))
    assert release_id(first) == release_id(second)


@pytest.mark.parametrize("change", ["content", "mode", "contract", "requirement"])
def test_other_input_gives_another_digest(campaign: Path, change: str) -> None:
    """A changed file, mode, contract or requirement is another release."""
    before = release_id(bake_at(campaign, "before"))
    service = campaign / "hamm"
    match change:
        case "content":
            (service / "hamm" / "__main__.py").write_text("print('other')")
        case "mode":
            (service / "hamm" / "__main__.py").chmod(0o755)
        case "contract":
            (service / "service.toml").write_text("drain_seconds = 5\n" + RECIPE)
        case _:
            (service / "requirements.txt").write_text("redis==8.2.0\n")
    assert release_id(bake_at(campaign, "after")) != before


def test_wheels_are_unpacked_once(campaign: Path) -> None:
    """The same requirements are taken from the cache; other ones are unpacked."""
    wheels = ShelfWheels()
    context = context_of(campaign, "cache", wheels)
    service = campaign / "hamm"
    for number in (1, 2):
        bake(read_recipe(service), service, campaign.parent / f"image-{number}", context, ignore)
    (service / "requirements.txt").write_text("redis==8.2.0\n")
    bake(read_recipe(service), service, campaign.parent / "image-3", context, ignore)
    assert wheels.unpacked == ["redis==8.1.0\n", "redis==8.2.0\n"]


def test_packages_are_on_the_disk_before_they_have_their_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All that was unpacked is synced before the cache names it, and the name before anybody is told of it."""
    lock = tmp_path / "requirements.txt"
    lock.write_text("redis==8.1.0\n")
    calls = note_disk_calls(monkeypatch)
    folder = cached_packages([lock], tmp_path / "cache", ShelfWheels()).folder
    named = calls.index(f"rename partial {folder.name}")
    unpacked = [path.name for path in folder.rglob("*")]
    assert sorted(calls[:named]) == sorted(f"sync {name}" for name in (*unpacked, "partial"))
    assert calls[named + 1 :] == ["sync python"]


def test_steps_say_where_their_files_came_from(campaign: Path) -> None:
    """A bake says of each step what it brought, and whether it was copied, unpacked or kept from an earlier bake."""
    service, context = campaign / "hamm", context_of(campaign, "cache", ShelfWheels())
    first, second = (
        bake(read_recipe(service), service, campaign.parent / f"image-{number}", context, ignore)
        for number in (1, 2)
    )
    assert [(step.what, step.to, step.origin, step.files) for step in first.steps] == [
        ("python requirements.txt", "lib", BuildOrigin.UNPACKED, 2),
        ("copy hamm", "hamm", BuildOrigin.COPIED, 1),
        ("copy settings.json", "etc/settings.json", BuildOrigin.COPIED, 1),
    ]
    assert [step.origin for step in second.steps] == [
        BuildOrigin.CACHED,
        BuildOrigin.COPIED,
        BuildOrigin.COPIED,
    ]
    assert sum(step.bytes for step in first.steps) == sum(file.size for file in first.manifest.files)
    assert first.manifest == second.manifest


def test_materials_are_what_the_image_is_made_of(campaign: Path) -> None:
    """The base, the requirements by their digest and the interpreter are known afterwards."""
    service = campaign / "hamm"
    context = context_of(campaign, "cache", ShelfWheels())
    baked = bake(read_recipe(service), service, campaign.parent / "image", context, ignore)
    assert baked.materials == (
        Material(uri="handshake:base/host"),
        Material(uri="requirements.txt", digest=digest_bytes(b"redis==8.1.0\n")),
        Material(uri="handshake:interpreter/cp3.11-test"),
    )


def test_a_secret_is_refused_unless_it_is_public(campaign: Path) -> None:
    """A private key in a source stops the bake and names the step; a recipe that calls it public is baked."""
    service = campaign / "hamm"
    (service / "hamm" / "demo.pem").write_text(Ed25519().make_pair().private)
    with pytest.raises(ProblemsError) as caught:
        bake_at(campaign, "image")
    (problem,) = caught.value.problems
    assert (problem.check, problem.where.line) == ("image-secret-inside", 6)
    (service / "service.toml").write_text('public = ["hamm/demo.pem"]\n' + RECIPE)
    assert "hamm/demo.pem" in {file.path for file in bake_at(campaign, "public").files}


def test_a_binary_becomes_executable(campaign: Path) -> None:
    """A file that lost its mode on the way here is executable in the image where the recipe says so."""
    service = campaign / "hamm"
    (service / "server").write_bytes(b"\x7fELF")
    (service / "service.toml").write_text(
        RECIPE + '[[build]]\ncopy = "server"\nexecutable = true\nto = "bin/server"\n'
    )
    modes = {file.path: file.mode for file in bake_at(campaign, "image").files}
    assert modes["bin/server"] == 0o755
    assert modes["etc/settings.json"] == 0o644


def test_progress_names_each_step(campaign: Path) -> None:
    """Each step is announced when it begins."""
    reports: list[BuildProgress] = []
    bake_at(campaign, "image", reports=reports)
    assert [(report.step, report.steps, report.what) for report in reports] == [
        (1, 3, "python requirements.txt"),
        (2, 3, "copy hamm"),
        (3, 3, "copy settings.json"),
    ]


@pytest.mark.parametrize("to", ["hamm/__main__.py", "hamm", "hamm/__main__.py/below"])
def test_path_brought_twice_is_a_problem(campaign: Path, to: str) -> None:
    """Two steps that bring one path, or a file where the other has a folder, are a problem that names both."""
    recipe = RECIPE.replace("etc/settings.json", to)
    (campaign / "hamm" / "service.toml").write_text(recipe)
    with pytest.raises(ProblemsError) as caught:
        bake_at(campaign, "image")
    (problem,) = caught.value.problems
    assert (problem.check, problem.where.line) == ("duplicate-path", 9)
    assert "service.toml:6:" in problem.what


def test_nothing_slow_begins_with_a_bad_recipe(campaign: Path) -> None:
    """Problems of the recipe and its source come before the first wheel is unpacked and the first file is written."""
    (campaign / "hamm" / "hamm" / "link").symlink_to("/etc/passwd")
    (campaign / "hamm" / "requirements.txt").write_text("redis\n")
    wheels = ShelfWheels()
    with pytest.raises(ProblemsError) as caught:
        bake_at(campaign, "image", wheels=wheels)
    assert {problem.check for problem in caught.value.problems} == {"tree-symlink", "unpinned-requirement"}
    assert wheels.unpacked == []
    assert not (campaign.parent / "image").exists()


def test_staging_folder_must_be_empty(campaign: Path) -> None:
    """What an earlier bake left behind never gets into an image."""
    bake_at(campaign, "image")
    with pytest.raises(RefusedError, match="not empty"):
        bake_at(campaign, "image")


def test_platform_step_brings_rooms_with_their_packages(campaign: Path) -> None:
    """A room of the platform comes with the packages around it, and with no other room."""
    step = '[[build]]\nplatform = ["core", "drivers/process/program.py"]\nto = "lib"\n'
    (campaign / "hamm" / "service.toml").write_text(RECIPE + step)
    paths = {file.path for file in bake_at(campaign, "image").files if file.path.startswith("lib/handshake/")}
    assert {"lib/handshake/__init__.py", "lib/handshake/core/digest.py"} <= paths
    drivers = {path for path in paths if "/drivers/" in path}
    folder = "lib/handshake/drivers"
    assert drivers == {
        f"{folder}/__init__.py",
        f"{folder}/process/__init__.py",
        f"{folder}/process/program.py",
    }
    assert {path.split("/")[2] for path in paths} == {"__init__.py", "core", "drivers"}


def test_whole_folder_can_become_the_root(campaign: Path) -> None:
    """A target of `.` puts a folder's files, or a file, at the image's root."""
    recipe = RECIPE.replace('to = "hamm"', 'to = "."').replace('to = "etc/settings.json"', 'to = "."')
    (campaign / "hamm" / "service.toml").write_text(recipe)
    paths = {file.path for file in bake_at(campaign, "image").files}
    assert {"__main__.py", "settings.json"} <= paths
