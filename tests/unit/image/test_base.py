"""Bases: what is kept of Debian's packages, and what is made of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from handshake.core.digest import digest_bytes
from handshake.core.errors import RefusedError
from handshake.core.manifest import Manifest
from handshake.core.problem import ProblemsError
from handshake.core.provenance import Material
from handshake.core.release import Kind
from handshake.drivers.pip.wheels import PipWheels
from handshake.image.debian_base import BaseRecipe, bake_base, is_base, read_base

LIBC = Material(uri="pkg:deb/debian/libc6@2.36?arch=amd64", digest=digest_bytes(b"libc6"))


@dataclass(kw_only=True)
class ShelfDebian:
    """Debian packages that lie on a shelf."""

    asked: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)

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


def bake_at(staging: Path, debian: ShelfDebian | None = None) -> Manifest:
    """Bake a base with Python."""
    staging.mkdir()
    return bake_base(
        BaseRecipe(packages=("python3",)), staging, debian or ShelfDebian(), lambda _: None
    ).manifest


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
    baked = bake_base(BaseRecipe(packages=("nodejs",)), staging, debian, lambda _: None)
    assert debian.asked == [("bookworm", ("nodejs", "util-linux"))]
    assert baked.materials == (LIBC,)


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
