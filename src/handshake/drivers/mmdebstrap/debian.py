"""Unpacks Debian packages with mmdebstrap, from the sources of this machine's apt."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

from handshake.core.digest import digest_bytes, digest_file
from handshake.core.errors import UnavailableError
from handshake.drivers.process.command import find_program, run_command
from handshake.release.provenance import Material

_APT = Path("/etc/apt")
_LISTS = Path("/var/lib/apt/lists")
"""What `apt-get update` brought: each archive's signed list of all that it holds."""
_MERGED = "/usr/share/mmdebstrap/hooks/merged-usr"
_ARCHIVES = "var/cache/apt/archives"
_TIMEOUT_SECONDS = 900
_FLAGS = (
    "--quiet",
    "--variant=extract",  # unpacked, not installed: no script of a package runs
    "--skip=cleanup",  # the packages themselves stay, for their digests
    f"--hook-dir={_MERGED}",
)


class Mmdebstrap:
    """Keeps the Protocol of `handshake.image.bases.Debian`."""

    def index(self) -> str:
        """Return the digest of what this machine's apt knows of its sources; empty if it never asked them."""
        known = [*map(Path, _sources()), *sorted(_LISTS.glob("*_InRelease"))]
        has_asked = any(path.parent == _LISTS for path in known)
        return digest_bytes("".join(map(digest_file, known)).encode()) if has_asked else ""

    def unpack(self, suite: str, packages: tuple[str, ...], folder: Path) -> tuple[Material, ...]:
        """Put packages and what they depend on into a folder, and return them with their digests."""
        if find_program("mmdebstrap") is None:
            raise UnavailableError(
                "mmdebstrap is not installed; it is needed to bake bases",
                hint="sudo apt-get install mmdebstrap",
            )
        with tempfile.TemporaryDirectory(prefix="handshake-debian-") as work:
            # By way of an archive, which is the same whether root, a user namespace or fakeroot made it.
            archive = Path(work) / "tree.tar"
            include = f"--include={','.join(packages)}"
            run_command(
                ("mmdebstrap", *_FLAGS, include, suite, str(archive), *_sources()),
                timeout_seconds=_TIMEOUT_SECONDS,
            )
            _extract(archive, folder)
        found = tuple(map(_material, sorted((folder / _ARCHIVES).glob("*.deb"))))
        shutil.rmtree(folder / "var")
        return found


def _sources() -> Iterator[str]:
    """Yield the files in which this machine says where its packages come from."""
    for path in (_APT / "sources.list", *sorted((_APT / "sources.list.d").glob("*"))):
        if path.suffix in {".list", ".sources"} and path.is_file():
            yield str(path)


def _extract(archive: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    wanted = ("./usr", "./etc", f"./{_ARCHIVES}")
    run_command(
        ("tar", "--extract", "--no-same-owner", f"--file={archive}", f"--directory={folder}", *wanted),
        timeout_seconds=_TIMEOUT_SECONDS,
    )


def _material(package: Path) -> Material:
    """Return a package file, `name_version_architecture.deb`, as a package URL with its digest."""
    name, version, architecture = unquote(package.stem).split("_")
    return Material(uri=f"pkg:deb/debian/{name}@{version}?arch={architecture}", digest=digest_file(package))
