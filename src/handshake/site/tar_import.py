"""Imports a site that was built elsewhere from a tar stream: unpacks it, and executes nothing of it."""

from __future__ import annotations

import re
import shutil
import tarfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from handshake.core.problem import Location, Problem, ProblemsError

_WISH = re.compile(r"(?P<word>preview|promote) (?P<branch>[A-Za-z0-9._/-]{1,100}) (?P<commit>[0-9a-f]{7,64})")
_MOST_BYTES = 4 << 30
_MOST_FILES = 200_000


@dataclass(frozen=True, kw_only=True)
class TarImport:
    """What to do with an imported site."""

    is_promoted: bool
    branch: str
    commit: str


def parse_wish(text: str) -> TarImport:
    """Return what the sender asks for: `preview BRANCH COMMIT` or `promote BRANCH COMMIT`; ProblemsError."""
    found = _WISH.fullmatch(text.strip())
    if found is None:
        problem = Problem(
            check="bad-wish",
            what=f"{text!r} is not a command of this connection",
            where=Location(file="ssh"),
            hint="Use: preview BRANCH COMMIT, or promote BRANCH COMMIT.",
        )
        raise ProblemsError([problem])
    return TarImport(is_promoted=found["word"] == "promote", branch=found["branch"], commit=found["commit"])


def unpack_site(stream: IO[bytes], folder: Path) -> None:
    """Write the files of a tar stream below a folder; ProblemsError for what is no plain file of the tree."""
    size = count = 0
    try:
        with tarfile.open(fileobj=stream, mode="r|*") as archive:
            for member in archive:
                _check_member(member)
                size, count = size + member.size, count + 1
                if size > _MOST_BYTES or count > _MOST_FILES:
                    raise _problem(member.name, f"more than {_MOST_FILES:,} files or {_MOST_BYTES >> 30} GiB")
                content = archive.extractfile(member)
                if content is not None:
                    target = folder / member.name
                    target.parent.mkdir(parents=True, exist_ok=True)
                    with target.open("wb") as file:
                        shutil.copyfileobj(content, file)
    except tarfile.TarError as error:
        raise _problem("", f"not a complete tar stream: {error}") from error


def _check_member(member: tarfile.TarInfo) -> None:
    path = PurePosixPath(member.name)
    if path.is_absolute() or ".." in path.parts:
        raise _problem(member.name, "a path that leads out of the site")
    if not member.isreg() and not member.isdir():
        raise _problem(member.name, "neither a file nor a folder")


def _problem(name: str, what: str) -> ProblemsError:
    hint = "Send site.toml and the output folder with tar, as ci/publish does."
    shown = name.encode("unicode_escape").decode() or "the stream"
    return ProblemsError(
        [Problem(check="bad-archive", what=f"this is {what}", where=Location(file=shown), hint=hint)]
    )
