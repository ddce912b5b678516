"""Bases: what is kept of Debian's packages, and what is made of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.support.clock import FakeClock

from handshake.core.digest import digest_bytes
from handshake.core.errors import RefusedError, UnavailableError
from handshake.core.problem import ProblemsError
from handshake.core.subject import Kind
from handshake.drivers.pip.wheels import PipWheels
from handshake.image.bake import Baked
from handshake.image.bases import BaseRecipe, bake_base, is_base, read_base
from handshake.release.manifest import Manifest
from handshake.release.provenance import Material

LIBC = Material(uri="pkg:deb/debian/libc6@2.36?arch=amd64", digest=digest_bytes(b"libc6"))


@dataclass(kw_only=True)
class ShelfDebian:
    """Debian packages that lie on a shelf."""

    asked: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    offers: str = "monday's"

    def index(self) -> str:
        """Say what is on the shelf."""
        return self.offers

    def unpack(self, suite: str, packages: tuple[str, ...], folder: Path) -> tuple[Material, ...]:
        """Put what packages usually bring into the folder."""
        self.asked.append((suite, packages))
        for path, text in {
            "etc/passwd": "root",
            "etc/ssl/openssl.cnf": "settings",
            "usr/bin/python3.11": "python",
            "usr/share/ca-certificates/mozilla/B.crt": "B\n",
            "usr/share/ca-certificates/mozilla/A.crt": "A\n",
            "usr/share/doc/python3/copyright": "long",
            "usr/share/man/man1/python3.1": "longer",
        }.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text)
        (folder / "usr/bin/python3").symlink_to("python3.11")
        (folder / "usr/bin/python3.11").chmod(0o4755)
        (folder / "lib").symlink_to("usr/lib")
        return (LIBC,)


class EmptyShelf(ShelfDebian):
    """A shelf from which somebody has taken the last package."""

    def unpack(self, suite: str, packages: tuple[str, ...], folder: Path) -> tuple[Material, ...]:
        """Break off half-way."""
        (folder / "usr").mkdir()
        (folder / "usr/half").write_text("half")
        raise UnavailableError(f"{suite} has no {packages[0]}")


def bake_at(staging: Path, debian: ShelfDebian | None = None) -> Manifest:
    """Bake a base with Python."""
    return bake_with(staging, debian or ShelfDebian()).manifest


def bake_with(staging: Path, debian: ShelfDebian) -> Baked:
    """Bake a base with Python, with a cache beside it."""
    staging.mkdir()
    recipe = BaseRecipe(packages=("python3",))
    return bake_base(recipe, staging, debian, staging.parent / "cache", lambda _: None, clock=FakeClock())


def test_a_base_keeps_what_runs(tmp_path: Path) -> None:
    """Programs, links and what TLS needs stay, without privileges; what people read and the root's own links go."""
    manifest = bake_at(tmp_path / "base")
    assert {file.path: oct(file.mode) for file in manifest.files} == {
        "etc/ssl/certs/ca-certificates.crt": "0o644",
        "etc/ssl/openssl.cnf": "0o644",
        "usr/bin/python3": "0o120000",
        "usr/bin/python3.11": "0o755",
        "usr/share/ca-certificates/mozilla/A.crt": "0o644",
        "usr/share/ca-certificates/mozilla/B.crt": "0o644",
    }
    assert (tmp_path / "base/etc/ssl/certs/ca-certificates.crt").read_text() == "A\nB\n"


def test_a_base_is_an_image_that_nothing_runs_by_itself(tmp_path: Path) -> None:
    """A base is told from a service's image by its contract."""
    assert is_base(bake_at(tmp_path / "base"))
    assert not is_base(Manifest(kind=Kind.IMAGE, base="host", files=(), contract={"command": ["x"]}))


def test_the_sandboxs_own_programs_are_asked_for(tmp_path: Path) -> None:
    """Whatever a base is made of, the programs that limit an instance are in it; the packages are its materials."""
    debian = ShelfDebian()
    staging = tmp_path / "base"
    staging.mkdir()
    baked = bake_base(
        BaseRecipe(packages=("nodejs",)), staging, debian, tmp_path, lambda _: None, clock=FakeClock()
    )
    assert debian.asked == [("bookworm", ("nodejs", "util-linux"))]
    assert baked.materials == (LIBC,)


def test_the_same_base_is_put_together_once(tmp_path: Path) -> None:
    """A second bake of the same recipe unpacks nothing, and its release and materials are the same."""
    debian = ShelfDebian()
    first, second = (bake_with(tmp_path / name, debian) for name in ("first", "second"))
    assert len(debian.asked) == 1
    assert (second.manifest, second.materials) == (first.manifest, first.materials)
    assert [step.origin for baked in (first, second) for step in baked.steps] == ["unpacked", "cached"]


def test_what_a_baker_does_to_a_base_is_not_kept(tmp_path: Path) -> None:
    """A tree that was baked is its baker's own: the next one gets what was put together."""
    debian = ShelfDebian()
    first = bake_with(tmp_path / "first", debian)
    (tmp_path / "first/usr/bin/python3.11").write_text("another")
    assert bake_with(tmp_path / "second", debian).manifest == first.manifest


@pytest.mark.parametrize(("offers", "unpacked"), [("tuesday's", 2), ("", 2), ("monday's", 1)])
def test_a_base_is_put_together_anew_where_debian_offers_something_else(
    tmp_path: Path, offers: str, unpacked: int
) -> None:
    """Once Debian has updated something, or nobody knows what it offers, the packages are unpacked again."""
    debian = ShelfDebian()
    bake_with(tmp_path / "first", debian)
    debian.offers = offers
    bake_with(tmp_path / "second", debian)
    assert len(debian.asked) == unpacked


def test_a_base_that_failed_is_not_kept(tmp_path: Path) -> None:
    """An unpacking that breaks leaves nothing behind that a later bake would take for a base."""
    with pytest.raises(UnavailableError):
        bake_with(tmp_path / "first", EmptyShelf())
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    assert bake_with(tmp_path / "second", ShelfDebian()).manifest.files


def test_wheels_are_for_the_bases_python(tmp_path: Path) -> None:
    """The interpreter is read off a base's tree and never run; a base without one is named."""
    bake_at(tmp_path / "base")
    assert PipWheels(tmp_path / "base").target().startswith("cp3.11-linux-")
    with pytest.raises(RefusedError, match="no Python"):
        PipWheels(tmp_path).target()


@pytest.mark.parametrize("packages", ["[]", '["Python"]', '["python3; reboot"]', '["-o=x"]'])
def test_what_is_no_package_is_a_problem(tmp_path: Path, packages: str) -> None:
    """A base has at least one package, and names of packages are what Debian allows."""
    (tmp_path / "base.toml").write_text(f"packages = {packages}\n")
    with pytest.raises(ProblemsError):
        read_base(tmp_path)
